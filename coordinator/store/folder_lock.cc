// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/folder_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tributary::store {

absl::StatusOr<FolderLock> FolderLock::Acquire(
    const std::filesystem::path& folder) {
  if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  absl::StatusOr<File> file = File::Open(folder / "lock", File::Mode::kOpen);
  if (!file.ok()) return file.status();
  if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError("lock", file->path());
    std::array<std::byte, 32> text{};
    absl::StatusOr<std::size_t> size = file->Read(0, text);
    std::string owner(reinterpret_cast<const char*>(text.data()),
                      size.ok() ? *size : 0);
    absl::StripAsciiWhitespace(&owner);
    return absl::FailedPreconditionError(
        absl::StrCat(folder.string(), " is in use by process ",
                     owner.empty() ? "unknown" : owner));
  }
  // The number is for people; the lock itself is the kernel's.
  const std::string owner = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(file->descriptor(), 0) != 0) {
    return SystemError("truncate", file->path());
  }
  absl::Status written =
      file->Write(0, std::as_bytes(std::span<const char>(owner)));
  if (!written.ok()) return written;
  return FolderLock(*std::move(file));
}

}  // namespace tributary::store
