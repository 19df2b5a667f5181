// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/compare.h"

#include <utility>

#include "simulation/report/run_record.h"
#include "simulation/write_file.h"

namespace tributary::simulation {

absl::Status CompareFolders(const CompareOptions& options, std::ostream& out) {
  std::vector<RunRecord> runs;
  for (const auto& folder : options.runs) {
    auto run = ReadRun(folder);
    if (!run.ok()) return run.status();
    runs.push_back(*std::move(run));
  }
  const auto comparison = CompareRuns(runs, options.comparison);
  if (!comparison.ok()) return comparison.status();
  out << "target: " << DescribeTarget(*comparison) << "\n\n"
      << FormatTable(ResultsTable(*comparison));
  if (const Table differences = DifferencesTable(*comparison);
      !differences.empty()) {
    out << "\n" << FormatTable(differences);
  }
  return WriteFile(options.out, {MakeComparisonPage(*comparison)});
}

}  // namespace tributary::simulation
