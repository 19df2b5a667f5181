// SPDX-License-Identifier: Apache-2.0
// A file that is there whole or not at all. Any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <ostream>
#include <string_view>

#include "absl/status/status.h"

namespace tributary::simulation {

// Writes what `write` puts into the stream, under a temporary name beside
// `file`, then renames. Errors name the file and what the system said.
absl::Status WriteFile(const std::filesystem::path& file,
                       const std::function<void(std::ostream&)>& write);

// Writes the parts, one after the other, likewise.
absl::Status WriteFile(const std::filesystem::path& file,
                       std::initializer_list<std::string_view> parts);

}  // namespace tributary::simulation
