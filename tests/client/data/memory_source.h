// SPDX-License-Identifier: Apache-2.0
// Bytes in memory as a parser sees a file.
#pragma once

#include <algorithm>
#include <string>

#include "client/data/byte_source.h"

namespace tributary::data {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::uint8_t> bytes) : left_(bytes) {}

  absl::StatusOr<std::size_t> Read(std::span<std::uint8_t> out) override {
    const std::size_t count = std::min(out.size(), left_.size());
    std::copy_n(left_.begin(), count, out.begin());
    left_ = left_.subspan(count);
    return count;
  }
  std::string Name() const override { return "memory"; }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace tributary::data
