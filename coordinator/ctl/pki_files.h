// SPDX-License-Identifier: Apache-2.0
// The files of an authority: secrets are created for their owner alone and
// never replaced; everything else is replaced atomically.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::ctl {

// At most 1 MiB.
absl::StatusOr<std::string> ReadSmallFile(const std::filesystem::path& file);

// A new file of mode 0600. AlreadyExists rather than replacing one.
absl::Status CreateSecretFile(const std::filesystem::path& file,
                              const std::string& bytes);
// proto/durable/replacement.h; others may read it.
absl::Status ReplaceFile(const std::filesystem::path& file,
                         const std::string& bytes);
// The folder and those above it, as mkdir -p does.
absl::Status MakeFolder(const std::filesystem::path& folder);

// Holds a folder for one process at a time; waits for the other.
class FolderGuard {
 public:
  static absl::StatusOr<FolderGuard> Acquire(
      const std::filesystem::path& folder);
  ~FolderGuard();
  FolderGuard(FolderGuard&& other) noexcept;
  FolderGuard& operator=(FolderGuard&&) = delete;

 private:
  explicit FolderGuard(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tributary::ctl
