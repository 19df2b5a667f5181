// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew_files.h"

#include "simulation/skew_picture.h"
#include "simulation/write_file.h"

namespace tributary::simulation {

Skew SkewOf(const Population& population) {
  return Skew(population.partition, population.train->targets, population.shift,
              population.owners);
}

absl::Status WriteSkew(const Skew& skew, const std::filesystem::path& folder) {
  const auto table =
      WriteFile(folder / "partition.txt", [&](std::ostream& out) {
        out << FormatSummary(skew) << '\n';
        WriteTable(skew, out);
      });
  if (!table.ok()) return table;
  return WriteFile(folder / "partition.svg", {DrawSkew(skew)});
}

}  // namespace tributary::simulation
