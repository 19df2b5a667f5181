// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/data.h"

#include <iomanip>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "simulation/datasets/catalog.h"

namespace tributary::simulation {
namespace {

constexpr int kNameWidth = 13;

}  // namespace

void ListData(std::ostream& out) {
  for (const datasets::KnownSet& set : datasets::KnownSets()) {
    out << std::left << std::setw(kNameWidth) << set.name << set.what << "\n"
        << std::setw(kNameWidth) << "" << set.address << "\n";
  }
}

absl::Status CheckData(const std::string& name,
                       const std::filesystem::path& folder, std::ostream& out) {
  const auto found = datasets::FindKnownSet(name);
  if (!found.ok()) return found.status();
  const datasets::KnownSet& set = **found;
  out << set.name << ": " << set.what << "\n"
      << "authors: " << set.authors << "\n"
      << "address: " << set.address << "\n"
      << "licence: " << set.licence << "\n"
      << "cite:    " << set.cite << "\n"
      << "clients: " << set.clients << "\n";
  std::error_code error;
  const bool holds_it = std::filesystem::is_directory(folder / name, error);
  const std::filesystem::path own = holds_it ? folder / name : folder;
  std::size_t failures = 0;
  const auto checks = datasets::CheckFiles(set, own);
  for (const datasets::FileCheck& check : checks) {
    if (check.problem.empty()) continue;
    ++failures;
    out << check.problem << "\n";
  }
  out << "files:   " << checks.size() - failures << " of " << checks.size()
      << " as they were published\n";
  if (failures == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      own.string(), ": ", failures, " of ", checks.size(), " files of ", name,
      " are missing or differ; get them from ", std::string(set.address)));
}

}  // namespace tributary::simulation
