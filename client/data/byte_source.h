// SPDX-License-Identifier: Apache-2.0
// A stream of bytes to parse: a file, plain or gzip, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace tributary::data {

// One thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `out` and returns how many bytes that was: as many as
  // there is room for, unless the source ends. 0 at the end.
  virtual absl::StatusOr<std::size_t> Read(std::span<std::uint8_t> out) = 0;
  // What errors call it: the file's path.
  virtual std::string Name() const = 0;
};

// Opens a file. One that begins as gzip does is decompressed; one that does not
// but is named .gz is refused. NotFound, PermissionDenied or InvalidArgument
// when it cannot be opened; DataLoss from Read when it is cut or damaged.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(
    const std::filesystem::path& path);

}  // namespace tributary::data
