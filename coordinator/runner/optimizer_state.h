// SPDX-License-Identifier: Apache-2.0
// The vectors that the server optimizer and the strategy keep (m, v, h) beside
// the models: one file a round, so
// that a crash between two rounds cannot mix them. Each block carries a
// checksum. The state after round 0 is all zeros and has no file; an optimizer
// without state has none at all.
//
//   magic, u64 trainable, u64 vectors | vectors | u64 XXH3-64 of each block
//
// Threads: blocks may be read and written on several at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/file.h"

namespace tributary::coordinator {

class OptimizerState {
 public:
  // Values in a block; blocks start at multiples of it.
  static constexpr std::size_t kBlock = 65'536;

  struct Shape {
    std::size_t trainable = 0;
    int vectors = 0;
  };
  static std::filesystem::path PathOf(const std::filesystem::path& folder,
                                      int round);
  // The state after `round`. DataLoss if the file is missing or damaged.
  static absl::StatusOr<OptimizerState> Read(
      const std::filesystem::path& folder, int round, const Shape& shape);
  // A new state, under a temporary name until Keep.
  static absl::StatusOr<OptimizerState> Create(
      const std::filesystem::path& folder, int round, const Shape& shape);

  absl::Status ReadBlock(int vector, std::size_t offset,
                         std::span<float> out) const;
  absl::Status WriteBlock(int vector, std::size_t offset,
                          std::span<const float> values);
  // Synced and named.
  absl::Status Keep();
  // Removes every round's state but this one's.
  static void RemoveAllBut(const std::filesystem::path& folder, int round);

 private:
  OptimizerState(const Shape& shape) : shape_(shape) {}
  std::uint64_t ValueOffset(int vector, std::size_t offset) const;
  std::uint64_t ChecksumOffset(int vector, std::size_t offset) const;

  Shape shape_;
  store::File file_;  // not open: zeros
  std::filesystem::path final_path_;
};

}  // namespace tributary::coordinator
