// SPDX-License-Identifier: Apache-2.0
#include "client/data/files.h"

#include <algorithm>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary::data {

bool HasExtension(const std::filesystem::path& file,
                  std::string_view extension) {
  const std::string name = file.filename().string();
  return name.ends_with(extension) ||
         name.ends_with(std::string(extension) + ".gz");
}

std::string StemOf(const std::filesystem::path& file,
                   std::string_view extension) {
  std::string name = file.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(extension)) name.resize(name.size() - extension.size());
  return name;
}

std::filesystem::path PlainOrGz(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path compressed = path;
  compressed += ".gz";
  const bool use_compressed = !std::filesystem::exists(path, error) &&
                              std::filesystem::exists(compressed, error);
  return use_compressed ? compressed : path;
}

absl::StatusOr<std::vector<std::filesystem::path>> FilesIn(
    const std::filesystem::path& folder, std::string_view extension) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (HasExtension(entry->path(), extension)) files.push_back(entry->path());
  }
  if (error == std::errc::no_such_file_or_directory) {
    return absl::NotFoundError(
        absl::StrCat(folder.string(), ": no such folder"));
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat(folder.string(), ": ", error.message()));
  }
  if (files.empty()) {
    const std::string wanted(extension);
    return absl::InvalidArgumentError(
        absl::StrCat(folder.string(), ": expected *", wanted, " or *", wanted,
                     ".gz in this folder, found none"));
  }
  std::ranges::sort(files);
  return files;
}

absl::StatusOr<std::vector<std::filesystem::path>> FileOrFolder(
    const std::filesystem::path& path, std::string_view extension) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return FilesIn(path, extension);
  }
  return std::vector<std::filesystem::path>{path};
}

}  // namespace tributary::data
