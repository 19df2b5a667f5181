// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/compare.h"

#include <utility>

#include "simulation/report/published.h"
#include "simulation/report/repeats.h"
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
  if (options.published) {
    const auto published = ReadPublished(*options.published);
    if (!published.ok()) return published.status();
    out << FormatTable(PublishedTable(runs, *published));
    return WriteFile(options.out, {MakeComparisonPage(*comparison)});
  }
  out << "target: " << DescribeTarget(*comparison) << "\n\n"
      << FormatTable(ResultsTable(*comparison));
  if (const Table differences = DifferencesTable(*comparison);
      !differences.empty()) {
    out << "\n" << FormatTable(differences);
  }
  if (const Table privacy = PrivacyTable(*comparison); !privacy.empty()) {
    out << "\n" << FormatTable(privacy);
  }
  if (const Table repeats = RepeatsTable(*comparison); !repeats.empty()) {
    out << "\n" << FormatTable(repeats);
  }
  return WriteFile(options.out, {MakeComparisonPage(*comparison)});
}

}  // namespace tributary::simulation
