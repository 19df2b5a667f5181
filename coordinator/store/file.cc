// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::store {
namespace {

absl::Status ErrorOf(int number, std::string_view call,
                     const std::filesystem::path& path) {
  const std::string message = absl::StrCat(
      std::string(call), " ", path.string(), ": ", std::strerror(number));
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    case ENOENT:
      return absl::NotFoundError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

absl::Status SystemError(std::string_view call,
                         const std::filesystem::path& path) {
  return ErrorOf(errno, call, path);
}

absl::StatusOr<File> File::Open(const std::filesystem::path& path, Mode mode) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case Mode::kRead:
      flags |= O_RDONLY;
      break;
    case Mode::kCreate:
      flags |= O_RDWR | O_CREAT | O_TRUNC;
      break;
    case Mode::kOpen:
      flags |= O_RDWR | O_CREAT;
      break;
  }
  File file;
  file.descriptor_ = ::open(path.c_str(), flags, 0600);
  if (file.descriptor_ < 0) return SystemError("open", path);
  file.path_ = path;
  return file;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)) {}
File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

absl::StatusOr<std::uint64_t> File::Size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return SystemError("stat", path_);
  return static_cast<std::uint64_t>(status.st_size);
}

absl::StatusOr<std::size_t> File::Read(std::uint64_t offset,
                                       std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count =
        ::pread(descriptor_, out.data() + done, out.size() - done,
                static_cast<off_t>(offset + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return SystemError("read", path_);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

absl::Status File::ReadFully(std::uint64_t offset,
                             std::span<std::byte> out) const {
  absl::StatusOr<std::size_t> count = Read(offset, out);
  if (!count.ok()) return count.status();
  if (*count == out.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path_.string(), " ends at byte ",
                                          offset + *count, ", wanted ",
                                          offset + out.size()));
}

absl::Status File::Write(std::uint64_t offset,
                         std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                 static_cast<off_t>(offset + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      return SystemError("write", path_);
    }
    done += static_cast<std::size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status File::WritePieces(
    std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) {
  constexpr std::size_t kMostPieces = 64;
  while (!pieces.empty()) {
    std::array<iovec, kMostPieces> vectors;
    const std::size_t count = std::min(pieces.size(), kMostPieces);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // The system only reads from them.
      vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
      size += pieces[i].size();
    }
    ssize_t written = 0;
    do {
      written = ::pwritev(descriptor_, vectors.data(), static_cast<int>(count),
                          static_cast<off_t>(offset));
    } while (written < 0 && errno == EINTR);
    if (written < 0) return SystemError("write", path_);
    // A short write, such as of the last bytes that fit: piece by piece it
    // either goes on or says why not.
    if (static_cast<std::size_t>(written) < size) {
      for (std::size_t i = 0; i < count; ++i) {
        absl::Status status = Write(offset, pieces[i]);
        if (!status.ok()) return status;
        offset += pieces[i].size();
      }
    } else {
      offset += size;
    }
    pieces = pieces.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status File::Sync() {
  if (::fdatasync(descriptor_) != 0) return SystemError("sync", path_);
  return absl::OkStatus();
}

void File::WillRead(std::uint64_t offset, std::uint64_t size) const {
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset),
                  static_cast<off_t>(size), POSIX_FADV_WILLNEED);
}

void File::DropPages(std::uint64_t offset, std::uint64_t size) const {
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset),
                  static_cast<off_t>(size), POSIX_FADV_DONTNEED);
}

absl::Status SyncFolder(const std::filesystem::path& folder) {
  const int descriptor =
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("open", folder);
  const absl::Status status =
      ::fsync(descriptor) == 0 ? absl::OkStatus() : SystemError("sync", folder);
  ::close(descriptor);
  return status;
}

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return ErrorOf(error.value(), "create folder", folder);
  return absl::OkStatus();
}

absl::Status Rename(const std::filesystem::path& from,
                    const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", to);
  return absl::OkStatus();
}

}  // namespace tributary::store
