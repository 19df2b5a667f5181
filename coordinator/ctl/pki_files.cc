// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/pki_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/durable/replacement.h"

namespace tributary::ctl {
namespace {

constexpr std::size_t kMaxBytes = 1u << 20;

absl::Status Failure(const std::filesystem::path& file, int error) {
  return absl::ErrnoToStatus(error, file.string());
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return absl::NotFoundError(absl::StrCat(file.string(), ": no such file"));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(kMaxBytes + 1, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream.is_open() || stream.bad()) {
    return absl::PermissionDeniedError(
        absl::StrCat(file.string(), ": cannot be read"));
  }
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  if (bytes.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.string(), ": is larger than 1 MiB"));
  }
  return bytes;
}

absl::Status CreateSecretFile(const std::filesystem::path& file,
                              const std::string& bytes) {
  const int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return Failure(file, errno);
  auto status =
      durable::WriteAll(descriptor, std::as_bytes(std::span(bytes)), file);
  if (status.ok() && ::fsync(descriptor) != 0) {
    status = durable::FileError("syncing", file);
  }
  ::close(descriptor);
  if (!status.ok()) ::unlink(file.c_str());
  return status;
}

absl::Status ReplaceFile(const std::filesystem::path& file,
                         const std::string& bytes) {
  return durable::ReplaceFile(file, bytes, {.permissions = 0644});
}

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Failure(folder, error.value());
  return absl::OkStatus();
}

absl::StatusOr<FolderGuard> FolderGuard::Acquire(
    const std::filesystem::path& folder) {
  const int descriptor =
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return Failure(folder, errno);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    ::close(descriptor);
    return Failure(folder, error);
  }
  return FolderGuard(descriptor);
}

FolderGuard::FolderGuard(FolderGuard&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderGuard::~FolderGuard() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tributary::ctl
