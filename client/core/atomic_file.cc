// SPDX-License-Identifier: Apache-2.0
#include "client/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

namespace tributary {
namespace {

absl::Status WriteAll(int descriptor, std::string_view bytes,
                      const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError("writing", file);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor) != 0) return FileError("syncing", file);
  return absl::OkStatus();
}

}  // namespace

absl::Status FileError(const char* what, const std::filesystem::path& file) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", file.string()));
}

absl::Status ReplaceFile(const std::filesystem::path& file,
                         std::string_view bytes) {
  std::filesystem::path temporary = file;
  temporary += ".new";
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError("creating", temporary);
  const absl::Status written = WriteAll(descriptor, bytes, temporary);
  ::close(descriptor);
  if (!written.ok()) return written;
  if (::rename(temporary.c_str(), file.c_str()) != 0) {
    return FileError("renaming", temporary);
  }
  return absl::OkStatus();
}

}  // namespace tributary
