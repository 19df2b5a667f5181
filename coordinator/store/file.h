// SPDX-License-Identifier: Apache-2.0
// A file descriptor that closes itself, with whole reads and writes at an
// offset and errors that name the file.
//
// Threads: Read and Write may run on several threads at once.
// Failure: no space (or a file-size limit) is ResourceExhausted, a missing file
// NotFound, anything else Unavailable: the disk may work again later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::store {

class File {
 public:
  enum class Mode {
    kRead,    // must exist
    kCreate,  // read and write; emptied if it exists
    kOpen,    // read and write; created if it does not exist
  };
  static absl::StatusOr<File> Open(const std::filesystem::path& path,
                                   Mode mode);
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  absl::StatusOr<std::uint64_t> Size() const;
  // Up to out.size() bytes; 0 at the end.
  absl::StatusOr<std::size_t> Read(std::uint64_t offset,
                                   std::span<std::byte> out) const;
  // All of `out`, or DataLoss at the end of the file.
  absl::Status ReadFully(std::uint64_t offset, std::span<std::byte> out) const;
  // All of `bytes`.
  absl::Status Write(std::uint64_t offset, std::span<const std::byte> bytes);
  // All bytes of consecutive pieces, with as few calls as the system allows.
  absl::Status WritePieces(std::uint64_t offset,
                           std::span<const std::span<const std::byte>> pieces);
  // Data, and what is needed to read it back, are on the disk.
  absl::Status Sync();

  // Hints to the system's cache, which cannot fail: these bytes are read soon;
  // or they are not read again for a while, and their pages can go. Size 0: to
  // the end of the file.
  void WillRead(std::uint64_t offset, std::uint64_t size) const;
  void DropPages(std::uint64_t offset, std::uint64_t size) const;

  const std::filesystem::path& path() const { return path_; }
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

// New names in the folder are on the disk.
absl::Status SyncFolder(const std::filesystem::path& folder);
// Creates the folder and its parents.
absl::Status MakeFolder(const std::filesystem::path& folder);
absl::Status Rename(const std::filesystem::path& from,
                    const std::filesystem::path& to);
// The status of the latest failed system call on `path`.
absl::Status SystemError(std::string_view call,
                         const std::filesystem::path& path);

}  // namespace tributary::store
