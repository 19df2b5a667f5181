// SPDX-License-Identifier: Apache-2.0
// tributary-simulate data: the public data sets that the ready plans use.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tributary::simulation {

// Prints a line for each set.
void ListData(std::ostream& out);

// Prints what the set is, whose and under which terms, and compares its files
// with those that were published. `folder` is the set's own, or holds it under
// its name, as the folder for --data does. FailedPrecondition if a file is
// missing or differs, each with its line; NotFound for an unknown name.
absl::Status CheckData(const std::string& name,
                       const std::filesystem::path& folder, std::ostream& out);

}  // namespace tributary::simulation
