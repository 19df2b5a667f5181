// SPDX-License-Identifier: Apache-2.0
// Updates whose rows are scaled sums of rows of others:
//
//   y_k = scale_k * sum of x_i over i in rows_k
//
// What a pre-step gives: the rule after it reads these, a block at a time, and
// a block of the source is all that is held besides.
//
// Sees its source only while it is read; the source outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct Mixture {
  double scale = 1;
  std::vector<std::uint32_t> rows;  // rising; at least one
};

class MixedUpdates final : public Updates {
 public:
  MixedUpdates(Updates& source, std::vector<Mixture> mixtures);

  std::size_t count() const override { return mixtures_.size(); }
  std::size_t length() const override { return source_.length(); }
  // Sums are taken in double, in the order of rows, and rounded once.
  absl::Status Read(std::span<const std::size_t> rows, std::size_t offset,
                    const ForEach& for_each, Block& block) override;
  std::size_t RowsHeld(std::size_t rows) const override {
    return rows + source_.RowsHeld(source_.count());
  }

  // What each row of the source counts for in sum_k weights_k y_k.
  std::vector<double> SourceWeights(std::span<const double> weights) const;

 private:
  Updates& source_;
  std::vector<Mixture> mixtures_;
  Block source_block_;
};

}  // namespace tributary::robust
