// SPDX-License-Identifier: Apache-2.0
// The exact, order-independent weighted sum of updates.
//
//   S_j = sum_k w_k round(x_kj / step_j)         W = sum_k w_k
//   mean_j = S_j step_j / W
//
// S is held in 64-bit integers: bitwise the same for every order of arrival,
// thread count and tree shape. |mean - true mean| <= step/2 + half an ulp.
// Source: docs/aggregation.md, section 2.
//
// Threads: AddBlock and AddSums may run on several threads at once for disjoint
// ranges; everything else is the owner's alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/grid.h"

namespace tributary::aggregation {

class ExactSum {
 public:
  explicit ExactSum(const Layout& layout);
  // Of integers that were added up elsewhere, under masks or with noise, on the
  // same grids. The means are sums over `weight`; `contributions` are counted.
  // `sums` is as long as the layout, both numbers are over 0.
  ExactSum(const Layout& layout, std::vector<std::int64_t> sums,
           std::uint64_t weight, std::uint64_t contributions);

  // Adds weight * round(values / step) to the coordinates from `offset`. The
  // values are finite and within the grid's bound (CheckBlock said so) and the
  // weight is in 1 .. max_weight. A range may cross from parameters to buffers.
  void AddBlock(std::size_t offset, std::span<const float> values,
                std::uint32_t weight);
  // Undoes AddBlock of the same block, which was added to this sum or to one
  // that it is merged with.
  void SubtractBlock(std::size_t offset, std::span<const float> values,
                     std::uint32_t weight);
  // Counts one contribution of this weight, once all its blocks were added.
  void AddContribution(std::uint32_t weight);
  // Adds another sum over the same layout.
  void Merge(const ExactSum& other);
  // The same of a sum that comes in blocks: its integers from `offset`, and,
  // once all are added, what its contributions are together. The sums stay
  // within 2^63: whoever has them knows their bounds.
  void AddSums(std::size_t offset, std::span<const std::int64_t> sums);
  void AddContributions(std::uint64_t weight, std::uint64_t contributions);

  // The means are sums over this, over 0, and not over the weight of what was
  // added (docs/asynchronous.md).
  void DivideBy(std::uint64_t divisor);

  // Means, in update units, of the coordinates from `offset`, as many as `out`
  // is long. At least one contribution was counted.
  void MeanBlock(std::size_t offset, std::span<float> out) const;

  const Layout& layout() const { return layout_; }
  std::span<const std::int64_t> sums() const { return sums_; }
  // For processes that each add blocks of their own, and put the sums together
  // in place. Each counts the contributions of all.
  std::span<std::int64_t> MutableSums() { return sums_; }
  std::uint64_t weight() const { return weight_; }
  std::uint64_t contributions() const { return contributions_; }

 private:
  void AddWeighted(std::size_t offset, std::span<const float> values,
                   std::int64_t weight);

  Layout layout_;
  std::vector<std::int64_t> sums_;
  std::uint64_t weight_ = 0;
  std::uint64_t contributions_ = 0;
};

// What is wrong with a block of an update, if anything.
enum class BlockDefect { kNone, kNotFinite, kOverBound };

// Checks that values that will stand at `offset` are finite and within the
// bound. One vectorised pass.
BlockDefect CheckBlock(const Layout& layout, std::size_t offset,
                       std::span<const float> values);

}  // namespace tributary::aggregation
