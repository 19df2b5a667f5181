// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/speed.h"

#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "tests/bench/process.h"

namespace tributary::bench {
namespace {

struct Workload {
  const char* name;
  double least;  // times the rate of PyTorch's loop
};
constexpr Workload kWorkloads[] = {
    {"logistic_60x10", 20.0},
    {"fedavg_2nn", 3.0},
    {"fedavg_cnn", 1.8},
    {"torchscript_2nn", 1.1},
};

// Children started while it lives run on one core.
class OneCore {
 public:
  OneCore() {
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
      if (!CPU_ISSET(core, &all_)) continue;
      CPU_SET(core, &one);
      break;
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0) Fail("cannot pin a core");
  }
  ~OneCore() { sched_setaffinity(0, sizeof all_, &all_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t all_;
};

// A round of the workload, by a program that answers with its rate.
double Ask(Process& program, const std::string& workload) {
  program.Tell(workload);
  return std::stod(program.Line());
}

std::string CoreType() {
  const char* type = std::getenv("OPENBLAS_CORETYPE");
  return type == nullptr ? "not set" : type;
}

std::vector<Figure> CompareWithPyTorch(const std::string& program,
                                       int repetitions) {
  const OneCore pinned;
  Process floor({"/usr/bin/python3", TRIBUTARY_PYTORCH_FLOOR},
                Process::Read::kOutput);
  const std::string version = floor.LineWith("torch ");
  Process ours({program}, Process::Read::kOutput);
  std::fprintf(stderr, "%s, OPENBLAS_CORETYPE %s\n", version.c_str(),
               CoreType().c_str());
  std::vector<Figure> figures;
  for (const Workload& workload : kWorkloads) {
    std::vector<double> ratios, rates, floors;
    for (int i = 0; i < repetitions; ++i) {
      floors.push_back(Ask(floor, workload.name));
      rates.push_back(Ask(ours, workload.name));
      ratios.push_back(rates.back() / floors.back());
      std::fprintf(stderr, "%s: %.1f client updates/s, PyTorch %.1f\n",
                   workload.name, rates.back(), floors.back());
    }
    char note[160];
    std::snprintf(note, sizeof note,
                  "%.1f client updates/s; %s alone %.1f; one core, batches of "
                  "10, OPENBLAS_CORETYPE %s",
                  Median(rates), version.c_str(), Median(floors),
                  CoreType().c_str());
    figures.push_back({std::string("sim.speedup.") + workload.name,
                       Median(ratios), "x", workload.least, note,
                       Wanted::kAtLeast});
  }
  return figures;
}

std::vector<Figure> MeasureOverhead(const std::string& program,
                                    int repetitions) {
  const OneCore pinned;
  Process ours({program}, Process::Read::kOutput);
  std::vector<double> rates, overheads;
  for (int i = 0; i < repetitions; ++i) {
    const double training = Ask(ours, "train fedavg_2nn 100");
    ours.Tell("simulate fedavg_2nn 100 1");
    const std::string line = ours.Line();
    rates.push_back(std::stod(line));
    const double whole = std::stod(line.substr(line.find(' ')));
    overheads.push_back(100 * (whole / training - 1));
    std::fprintf(stderr, "simulator: %.1f client updates/s, overhead %.1f %%\n",
                 rates.back(), overheads.back());
  }
  char note[160];
  std::snprintf(note, sizeof note,
                "CPU time of whole rounds over that of the same training "
                "alone; rounds of 100; %.1f client updates/s",
                Median(rates));
  return {{"sim.overhead_pct.fedavg_2nn", Median(overheads), "%", 5.0, note}};
}

std::vector<Figure> MeasureScaling(const std::string& program,
                                   int repetitions) {
  if (std::thread::hardware_concurrency() < 2) {
    std::fprintf(stderr, "sim.scaling needs two cores: not measured\n");
    return {};
  }
  Process first({program}, Process::Read::kOutput);
  Process second({program}, Process::Read::kOutput);
  std::vector<double> ratios;
  for (int i = 0; i < repetitions; ++i) {
    first.Tell("simulate fedavg_2nn 100 1");
    second.Tell("simulate fedavg_2nn 100 1");
    const double apart = std::stod(first.Line()) + std::stod(second.Line());
    const double together = Ask(first, "simulate fedavg_2nn 100 2");
    ratios.push_back(together / apart);
    std::fprintf(stderr, "two workers %.1f, two processes %.1f updates/s\n",
                 together, apart);
  }
  return {{"sim.scaling.2_workers", Median(ratios), "x", 0.95,
           "of two processes with one worker each; 2NN, rounds of 100",
           Wanted::kAtLeast}};
}

std::vector<Figure> MeasureRanks(const std::string& program, int repetitions) {
  if (std::thread::hardware_concurrency() < 2) return {};
  Process first({program}, Process::Read::kOutput);
  Process second({program}, Process::Read::kOutput);
  std::vector<double> ratios;
  for (int i = 0; i < repetitions; ++i) {
    first.Tell("simulate fedavg_2nn 1000 1");
    second.Tell("simulate fedavg_2nn 1000 1");
    const double apart = std::stod(first.Line()) + std::stod(second.Line());
    first.Tell("rank fedavg_2nn 1000 0 2 0");
    second.Tell("rank fedavg_2nn 1000 1 2 " + first.Line());
    // Each counts the updates of both.
    const double together = std::stod(first.Line());
    second.Line();
    ratios.push_back(together / apart);
    std::fprintf(stderr, "two ranks %.1f, two processes %.1f updates/s\n",
                 together, apart);
  }
  return {{"sim.scaling.2_ranks", Median(ratios), "x", 0.95,
           "of two processes that know nothing of one another; 2NN, rounds of "
           "1,000, c10d over loopback",
           Wanted::kAtLeast}};
}

}  // namespace

std::vector<Figure> MeasureSpeed(const std::filesystem::path& programs,
                                 int repetitions) {
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  const std::string program = (programs / "tributary-bench-updates").string();
  std::vector<Figure> figures;
  for (const auto measure :
       {CompareWithPyTorch, MeasureOverhead, MeasureScaling, MeasureRanks}) {
    for (Figure& figure : measure(program, repetitions)) {
      figures.push_back(std::move(figure));
    }
  }
  return figures;
}

}  // namespace tributary::bench
