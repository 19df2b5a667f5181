// SPDX-License-Identifier: Apache-2.0
// The updates of a round as a rule reads them: n rows, one an update, of which
// it asks for a range of coordinates at a time. So no rule holds them all.
//
// The rows stand in the order of their clients' ids, not of arrival: whoever
// implements this sorts them, and then the same updates give the same bits.
// Every value is finite (CheckBlock said so). Each row counts once; weights
// that clients declare have no place here, for adversaries declare theirs.
//
// A row may also be the mean of a whole cohort or subtree, where one sees no
// more than their sums: its adversaries are then the cohorts that hold one.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "aggregation/robust/block.h"
#include "aggregation/robust/execution.h"

namespace tributary::robust {

class Updates {
 public:
  virtual ~Updates() = default;

  // Rows, below 2^31, and coordinates of each.
  virtual std::size_t count() const = 0;
  virtual std::size_t length() const = 0;

  // Fills row k of `block` with the coordinates of row rows[k] from `offset`
  // on, as many as the block has columns. `rows` rises, and is as long as the
  // block has rows. May use `for_each`, one row a task. One call at a time; a
  // rule asks for increasing offsets in each of its passes.
  virtual absl::Status Read(std::span<const std::size_t> rows,
                            std::size_t offset, const ForEach& for_each,
                            Block& block) = 0;

  // Rows in memory while `rows` of these are read, for the size of a block.
  virtual std::size_t RowsHeld(std::size_t rows) const { return rows; }
};

}  // namespace tributary::robust
