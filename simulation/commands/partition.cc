// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/partition.h"

#include "privacy/crypto/random.h"
#include "simulation/export.h"
#include "simulation/population.h"
#include "simulation/skew.h"

namespace tributary::simulation {

absl::Status WritePartition(const PartitionOptions& options,
                            std::ostream& report) {
  const auto plan = ReadSimulationPlan(options.plan);
  if (!plan.ok()) return plan.status();
  const Key run_key = KeyFromSeed(plan->seed());
  const auto population = LoadPopulation(*plan, run_key);
  if (!population.ok()) return InPlan(options.plan, population.status());
  if (auto ready = PrepareFolder(options.out, options.existing); !ready.ok()) {
    return ready;
  }
  if (auto written = ExportPartition(plan->simulation(), population->partition,
                                     run_key, options.out);
      !written.ok()) {
    return written;
  }
  report << FormatSkew(
      MeasureSkew(population->partition, population->train->targets));
  return absl::OkStatus();
}

}  // namespace tributary::simulation
