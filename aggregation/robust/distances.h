// SPDX-License-Identifier: Apache-2.0
// The squared distance of each update to each other: n^2 numbers, what Krum,
// Bulyan and nearest-neighbour mixing choose by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

class Distances {
 public:
  // One pass; n^2 / 2 differences a coordinate. Differences and sums are taken
  // in double.
  static absl::StatusOr<Distances> Between(Updates& updates,
                                           const Execution& execution);

  std::size_t count() const { return count_; }
  double Squared(std::size_t a, std::size_t b) const {
    return squared_[a * count_ + b];
  }
  // The other rows, nearest first; of equal distances the earlier row.
  std::vector<std::uint32_t> Neighbours(std::size_t row) const;

 private:
  explicit Distances(std::size_t count)
      : count_(count), squared_(count * count) {}
  // Adds what a block's columns contribute to the pairs of two tiles of rows.
  void AddTile(const Block& block, std::size_t tile, std::size_t other);

  std::size_t count_;
  std::vector<double> squared_;  // both triangles
};

}  // namespace tributary::robust
