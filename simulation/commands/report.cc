// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/report.h"

#include "simulation/report/report.h"
#include "simulation/report/run_record.h"
#include "simulation/write_file.h"

namespace tributary::simulation {

absl::Status WriteReport(const std::filesystem::path& folder) {
  const auto run = ReadRun(folder);
  if (!run.ok()) return run.status();
  return WriteFile(folder / "report.html", {MakeReport(*run)});
}

}  // namespace tributary::simulation
