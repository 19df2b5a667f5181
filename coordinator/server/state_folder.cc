// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/state_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace tributary::coordinator {

absl::Status CheckStateFolder(const std::filesystem::path& folder) {
  const auto refuse = [&](const std::filesystem::path& at, const char* why) {
    return absl::FailedPreconditionError(
        absl::StrCat("state: ", folder.string(),
                     " cannot be used: ", at.string(), ": ", why));
  };
  std::filesystem::path at = std::filesystem::absolute(folder);
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(at, error);
  while (status.type() == std::filesystem::file_type::not_found &&
         at.has_relative_path()) {
    // A link to nowhere cannot be made a folder of.
    if (std::filesystem::is_symlink(at, error)) {
      return refuse(at, "a link to nowhere");
    }
    at = at.parent_path();
    status = std::filesystem::status(at, error);
  }
  if (status.type() == std::filesystem::file_type::none) {
    return refuse(at, error.message().c_str());
  }
  if (!std::filesystem::is_directory(status)) {
    return refuse(at, std::strerror(ENOTDIR));
  }
  if (access(at.c_str(), W_OK | X_OK) != 0) {
    return refuse(at, std::strerror(errno));
  }
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
