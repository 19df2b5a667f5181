// SPDX-License-Identifier: Apache-2.0
// An exact sum that one thread adds many updates to. Accumulators of 32 bits
// stand before those of 64 and are emptied into them when one is full, block by
// block: half the memory goes through the cache for each update. The sum is
// that of ExactSum, bit by bit.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/exact_sum.h"

namespace tributary::aggregation {

class NarrowSum {
 public:
  explicit NarrowSum(const Layout& layout)
      : sum_(layout), narrow_(layout.length, 0) {}

  // ExactSum::AddBlock of values that are at most `largest` in magnitude.
  void AddBlock(std::size_t offset, std::span<const float> values,
                float largest, std::uint32_t weight);
  // The same where nobody has looked at the values.
  void AddBlock(std::size_t offset, std::span<const float> values,
                std::uint32_t weight) {
    sum_.AddBlock(offset, values, weight);
  }
  void SubtractBlock(std::size_t offset, std::span<const float> values,
                     std::uint32_t weight) {
    sum_.SubtractBlock(offset, values, weight);
  }
  // What was added. Only destroyed afterwards.
  ExactSum Take() &&;

 private:
  void Empty(std::size_t offset, std::size_t count);

  ExactSum sum_;
  std::vector<std::int32_t> narrow_;
};

}  // namespace tributary::aggregation
