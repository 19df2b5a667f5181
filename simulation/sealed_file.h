// SPDX-License-Identifier: Apache-2.0
// A file that is whole or not there (durable/replacement.h), with the SHA-256
// of what it holds at its end. Whoever reads it learns at once whether it is
// what was written.
//
// One thread. Errors of writing name the file; whoever reads adds its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/digest.h"
#include "proto/durable/replacement.h"

namespace tributary::simulation {

class SealedWriter {
 public:
  static absl::StatusOr<SealedWriter> Create(const std::filesystem::path& file);

  absl::Status Write(std::span<const std::byte> bytes);
  absl::Status Write(std::string_view text) {
    return Write(std::as_bytes(std::span(text)));
  }
  absl::Status WriteNumber(std::uint64_t number) {
    return Write(std::as_bytes(std::span(&number, 1)));
  }
  // The file is on the disk, under its name. Without it nothing stays.
  absl::Status Seal();

 private:
  explicit SealedWriter(durable::Replacement file);
  absl::Status Flush();

  durable::Replacement file_;
  std::string buffer_;
  Sha256Stream hash_;
};

// DataLoss: "damaged: it ends early".
absl::Status Damaged(std::string_view what);

class SealedReader {
 public:
  // Reads the file through once. DataLoss if it is not what was sealed.
  static absl::StatusOr<SealedReader> Open(const std::filesystem::path& file);
  ~SealedReader();
  SealedReader(SealedReader&& other) noexcept;
  SealedReader& operator=(SealedReader&&) = delete;

  // Bytes not read yet, the seal not among them.
  std::uint64_t remaining() const { return remaining_; }
  // DataLoss if there are fewer.
  absl::Status Read(std::span<std::byte> bytes);
  absl::StatusOr<std::uint64_t> ReadNumber();
  absl::StatusOr<std::string> ReadText(std::uint64_t size);

 private:
  explicit SealedReader(int descriptor);
  absl::Status CheckSeal();

  int descriptor_;
  std::uint64_t remaining_ = 0;
};

}  // namespace tributary::simulation
