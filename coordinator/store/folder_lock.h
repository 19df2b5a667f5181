// SPDX-License-Identifier: Apache-2.0
// One process at a time in a state folder: an exclusive lock on FOLDER/lock,
// given up when the object dies or the process does, however it dies.
#pragma once

#include <filesystem>

#include "absl/status/statusor.h"
#include "coordinator/store/file.h"

namespace tributary::store {

class FolderLock {
 public:
  // Creates the folder. FailedPrecondition, naming the other process, if it is
  // locked.
  static absl::StatusOr<FolderLock> Acquire(
      const std::filesystem::path& folder);

 private:
  explicit FolderLock(File file) : file_(std::move(file)) {}
  File file_;
};

}  // namespace tributary::store
