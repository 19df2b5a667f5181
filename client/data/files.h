// SPDX-License-Identifier: Apache-2.0
// The files of a folder that belong to one set.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary::data {

// True for "x.csv" and "x.csv.gz" when the extension is ".csv".
bool HasExtension(const std::filesystem::path& file,
                  std::string_view extension);

// The name without folder, extension and .gz: "x" for both of the above.
std::string StemOf(const std::filesystem::path& file,
                   std::string_view extension);

// The path itself, or path.gz where only that exists.
std::filesystem::path PlainOrGz(const std::filesystem::path& path);

// All files of the folder with this extension, plain or .gz, in the order of
// their names. InvalidArgument if there are none.
absl::StatusOr<std::vector<std::filesystem::path>> FilesIn(
    const std::filesystem::path& folder, std::string_view extension);

// The file itself, or, if it is a folder, its files.
absl::StatusOr<std::vector<std::filesystem::path>> FileOrFolder(
    const std::filesystem::path& path, std::string_view extension);

}  // namespace tributary::data
