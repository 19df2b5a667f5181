// SPDX-License-Identifier: Apache-2.0
// Updates in memory, which count how they are read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aggregation/robust/aggregate.h"

namespace tributary::robust {

using Rows = std::vector<std::vector<float>>;

class Matrix final : public Updates {
 public:
  explicit Matrix(Rows rows) : rows_(std::move(rows)) {}

  std::size_t count() const override { return rows_.size(); }
  std::size_t length() const override { return rows_.front().size(); }
  absl::Status Read(std::span<const std::size_t> rows, std::size_t offset,
                    const ForEach& for_each, Block& block) override {
    if (reads_ == fail_at) return absl::DataLossError("the disk is gone");
    ++reads_;
    rows_read += offset == 0 ? rows.size() : 0;
    most_held = std::max(most_held, rows.size() * block.columns());
    if (!std::ranges::is_sorted(rows) || rows.size() != block.rows()) {
      return absl::InternalError("rows do not rise, or are not the block's");
    }
    for_each(rows.size(), [&](std::size_t k) {
      const std::span<float> to = block.Row(k);
      std::copy_n(rows_[rows[k]].begin() + static_cast<std::ptrdiff_t>(offset),
                  to.size(), to.begin());
    });
    return absl::OkStatus();
  }

  // Rows over all passes; floats in one block; the read that fails.
  std::size_t rows_read = 0;
  std::size_t most_held = 0;
  std::size_t fail_at = static_cast<std::size_t>(-1);

 private:
  Rows rows_;
  std::size_t reads_ = 0;
};

// The result of a recipe that must go through.
inline std::vector<float> ResultOf(const Recipe& recipe, const Rows& rows,
                                   std::span<const float> reference = {},
                                   const aggregation::Words& words = {},
                                   const Execution& execution = {}) {
  Matrix updates(rows);
  std::vector<float> out(updates.length());
  Aggregate(recipe, {updates, reference, words}, execution, out).value();
  return out;
}

inline std::string ErrorOf(const Recipe& recipe, std::uint64_t updates) {
  return std::string(Validate(recipe, updates).message());
}

}  // namespace tributary::robust
