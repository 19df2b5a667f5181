// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/population_size.h"

#include <string>

#include "tests/bench/process.h"

namespace tributary::bench {
namespace {

double PeakKib(const std::filesystem::path& programs, int clients, int cohort) {
  Process process({(programs / "tributary-bench-population").string(),
                   std::to_string(clients), std::to_string(cohort), "2"},
                  Process::Read::kOutput);
  return std::stod(process.Line());
}

}  // namespace

std::vector<Figure> MeasurePopulation(const std::filesystem::path& programs) {
  constexpr int kFew = 100'000;
  constexpr int kMany = 1'000'000;
  const double few = PeakKib(programs, kFew, 1'000);
  const double many = PeakKib(programs, kMany, 1'000);
  return {
      {"sim.peak_rss_mib_100k", few / 1024, "MiB", 1536.0,
       "100,000 clients, two rounds of 1,000 on the 2NN, MNIST's size of data"},
      {"sim.bytes_per_idle_client", (many - few) * 1024 / (kMany - kFew), "B",
       100.0,
       "1,000,000 clients rather than 100,000; a partition without repeat adds "
       "8 bytes, and 4 an example"},
  };
}

}  // namespace tributary::bench
