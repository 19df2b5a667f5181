// SPDX-License-Identifier: Apache-2.0
// The same range of coordinates of each update, as updates by themselves:
// parameters go through another rule than buffers.
//
// Sees its source only while it is read; the source outlives it.
#pragma once

#include <cstddef>
#include <span>

#include "aggregation/robust/updates.h"

namespace tributary::coordinator {

class RangeOfUpdates final : public robust::Updates {
 public:
  // Within the source's length.
  RangeOfUpdates(robust::Updates& source, std::size_t begin,
                 std::size_t length);

  std::size_t count() const override { return source_.count(); }
  std::size_t length() const override { return length_; }
  absl::Status Read(std::span<const std::size_t> rows, std::size_t offset,
                    const robust::ForEach& for_each,
                    robust::Block& block) override {
    return source_.Read(rows, begin_ + offset, for_each, block);
  }
  std::size_t RowsHeld(std::size_t rows) const override {
    return source_.RowsHeld(rows);
  }

 private:
  robust::Updates& source_;
  const std::size_t begin_;
  const std::size_t length_;
};

}  // namespace tributary::coordinator
