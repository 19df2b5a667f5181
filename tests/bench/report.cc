// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

#include "nlohmann/json.hpp"

namespace tributary::bench {
namespace {

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

nlohmann::json Machine() {
  utsname names{};
  uname(&names);
  const char* core_type = std::getenv("OPENBLAS_CORETYPE");
  char time[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return {{"cpu", CpuModel()},
          {"cores", std::thread::hardware_concurrency()},
          {"kernel", names.release},
          {"OPENBLAS_CORETYPE", core_type == nullptr ? "" : core_type},
          {"time", time}};
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

bool IsMissed(const Figure& figure) {
  if (!figure.limit.has_value()) return false;
  // A figure that is no number is not within anything.
  return figure.wanted == Wanted::kAtMost ? !(figure.value <= *figure.limit)
                                          : !(figure.value >= *figure.limit);
}

std::string Verdict(const std::vector<Figure>& figures) {
  std::string missed;
  for (const Figure& figure : figures) {
    if (IsMissed(figure)) missed += " " + figure.name;
  }
  return missed.empty() ? "Within every limit." : "MISSED the limit:" + missed;
}

void PrintTable(const std::vector<Figure>& figures) {
  std::printf("%-40s %10s %12s  %-5s %s\n", "figure", "value", "limit", "unit",
              "note");
  for (const Figure& figure : figures) {
    char limit[32] = "-";
    if (figure.limit.has_value()) {
      std::snprintf(
          limit, sizeof limit, "%s %.2f",
          figure.wanted == Wanted::kAtMost ? "<=" : ">=", *figure.limit);
    }
    std::printf("%-40s %10.2f %12s  %-5s %s%s\n", figure.name.c_str(),
                figure.value, limit, figure.unit.c_str(),
                IsMissed(figure) ? "MISSED; " : "", figure.note.c_str());
  }
  std::fflush(stdout);
}

bool WriteJson(const std::string& file, const std::vector<Figure>& figures) {
  nlohmann::json report;
  if (std::ifstream before(file); before) {
    report = nlohmann::json::parse(before, nullptr, false);
  }
  if (!report.is_object()) report = nlohmann::json::object();
  report["machine"] = Machine();
  nlohmann::json kept = nlohmann::json::array();
  for (const nlohmann::json& figure :
       report.value("figures", nlohmann::json::array())) {
    const bool is_ours =
        std::any_of(figures.begin(), figures.end(), [&](const Figure& ours) {
          return figure.value("name", "") == ours.name;
        });
    if (!is_ours) kept.push_back(figure);
  }
  for (const Figure& figure : figures) {
    nlohmann::json entry = {{"name", figure.name},
                            {"value", figure.value},
                            {"unit", figure.unit},
                            {"note", figure.note}};
    if (figure.limit.has_value()) {
      entry["reference"] = *figure.limit;
      entry["wanted"] =
          figure.wanted == Wanted::kAtMost ? "at most" : "at least";
    }
    kept.push_back(std::move(entry));
  }
  report["figures"] = std::move(kept);
  std::ofstream written(file);
  written << report.dump(2) << "\n";
  written.close();
  return written.good();
}

}  // namespace tributary::bench
