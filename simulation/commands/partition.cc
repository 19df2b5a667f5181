// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/partition.h"

#include "privacy/crypto/random.h"
#include "simulation/export.h"
#include "simulation/population.h"
#include "simulation/skew_files.h"

namespace tributary::simulation {

absl::Status WritePartition(const PartitionOptions& options,
                            std::ostream& report) {
  const auto plan = ReadSimulationPlan(options.plan);
  if (!plan.ok()) return plan.status();
  const auto population = LoadPopulation(*plan, KeyFromSeed(plan->seed()));
  if (!population.ok()) return InPlan(options.plan, population.status());
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  if (auto written =
          ExportPartition(plan->simulation(), **population, options.out);
      !written.ok()) {
    return written;
  }
  const Skew skew = SkewOf(**population);
  report << FormatSummary(skew);
  return WriteSkew(skew, options.out);
}

}  // namespace tributary::simulation
