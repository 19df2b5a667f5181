// SPDX-License-Identifier: Apache-2.0
#include "proto/durable/replacement.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::durable {
namespace {

std::filesystem::path TemporaryOf(const std::filesystem::path& file,
                                  ReplacementOptions::Writers writers) {
  std::filesystem::path temporary = file;
  temporary += writers == ReplacementOptions::Writers::kAnyProcess
                   ? absl::StrCat(".", ::getpid(), ".new")
                   : ".new";
  return temporary;
}

}  // namespace

absl::Status FileError(std::string_view what,
                       const std::filesystem::path& file) {
  return absl::ErrnoToStatus(
      errno, absl::StrCat(std::string(what), " ", file.string()));
}

absl::Status WriteAll(int descriptor, std::span<const std::byte> bytes,
                      const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError("writing", file);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status SyncFolderOf(const std::filesystem::path& file) {
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : ".";
  const int descriptor =
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return FileError("opening", folder);
  const absl::Status synced = ::fsync(descriptor) == 0
                                  ? absl::OkStatus()
                                  : FileError("syncing", folder);
  ::close(descriptor);
  return synced;
}

absl::StatusOr<Replacement> Replacement::Begin(
    const std::filesystem::path& file, const ReplacementOptions& options) {
  std::filesystem::path temporary = TemporaryOf(file, options.writers);
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
             options.permissions);
  if (descriptor < 0) return FileError("creating", temporary);
  return Replacement(file, std::move(temporary), descriptor);
}

Replacement::Replacement(std::filesystem::path file,
                         std::filesystem::path temporary, int descriptor)
    : file_(std::move(file)),
      temporary_(std::move(temporary)),
      descriptor_(descriptor) {}

Replacement::Replacement(Replacement&& other) noexcept
    : file_(std::move(other.file_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_committed_(other.is_committed_) {}

Replacement::~Replacement() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!is_committed_) ::unlink(temporary_.c_str());
}

absl::Status Replacement::Write(std::span<const std::byte> bytes) {
  return WriteAll(descriptor_, bytes, file_);
}

absl::Status Replacement::Commit() {
  if (::fsync(descriptor_) != 0) return FileError("syncing", file_);
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) {
    return FileError("replacing", file_);
  }
  is_committed_ = true;
  return SyncFolderOf(file_);
}

absl::Status ReplaceFile(const std::filesystem::path& file,
                         std::string_view bytes,
                         const ReplacementOptions& options) {
  auto replacement = Replacement::Begin(file, options);
  if (!replacement.ok()) return replacement.status();
  if (auto written = replacement->Write(bytes); !written.ok()) return written;
  return replacement->Commit();
}

}  // namespace tributary::durable
