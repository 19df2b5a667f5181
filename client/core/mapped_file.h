// SPDX-License-Identifier: Apache-2.0
// A file's bytes as memory, read from the disk as they are touched: an upload
// larger than the process needs to hold.
//
// The file stays as it is for as long as it is mapped: of one that is cut short
// bytes are gone. Read from any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "absl/status/statusor.h"

namespace tributary {

class MappedFile {
 public:
  // NotFound if it is missing; errors name the file.
  static absl::StatusOr<MappedFile> Open(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace tributary
