// SPDX-License-Identifier: Apache-2.0
// tributary-bench: what the coordinator, the simulator, secure aggregation,
// differential privacy and robust rules cost, beside what they may cost.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/bench/dp.h"
#include "tests/bench/ingest.h"
#include "tests/bench/population_size.h"
#include "tests/bench/report.h"
#include "tests/bench/robust.h"
#include "tests/bench/secagg.h"
#include "tests/bench/speed.h"

int main(int argc, char** argv) {
  using namespace tributary::bench;

  CLI::App app(
      "Measures the coordinator's ingest and idle connections, the "
      "simulator's memory and speed, secure aggregation, privacy's noise and "
      "accounting, and robust rules over the spool.");
  std::string out;
  const std::vector<std::string> all = {"cpu", "memory", "idle", "population",
                                        "sim", "secagg", "dp",   "robust"};
  std::vector<std::string> sections = all;
  int repetitions = 5;
  app.add_option("--out", out, "JSON file to write or add to");
  app.add_option("--section", sections,
                 "cpu, memory, idle, population, sim, secagg, dp, robust "
                 "(default: all)")
      ->check(CLI::IsMember(all));
  app.add_option("--repetitions", repetitions, "Of each comparison")
      ->check(CLI::PositiveNumber);
  std::size_t updates = 1'000;
  app.add_option("--updates", updates,
                 "Of the section robust; each takes 6.7 MB of disk (default: "
                 "1000)")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const auto wants = [&](const char* section) {
    return std::find(sections.begin(), sections.end(), section) !=
           sections.end();
  };
  const std::filesystem::path programs =
      std::filesystem::canonical("/proc/self/exe").parent_path();
  std::vector<Figure> figures;
  const auto add = [&](std::vector<Figure> more) {
    for (Figure& figure : more) figures.push_back(std::move(figure));
  };
  if (wants("cpu") || wants("memory") || wants("idle")) {
    const Bench bench{programs, Certificates(2'000)};
    if (wants("cpu")) add(MeasureIngestCpu(bench, repetitions));
    if (wants("memory")) add(MeasureIngestMemory(bench));
    if (wants("idle")) add(MeasureIdle(bench));
  }
  if (wants("population")) add(MeasurePopulation(programs));
  if (wants("sim")) add(MeasureSpeed(programs, repetitions));
  if (wants("secagg")) add(MeasureSecureAggregation(programs, repetitions));
  if (wants("dp")) add(MeasurePrivacy(repetitions));
  if (wants("robust")) add(MeasureRobust(programs, updates));
  PrintTable(figures);
  std::printf("%s\n", Verdict(figures).c_str());
  if (!out.empty() && !WriteJson(out, figures)) Fail("cannot write " + out);
}
