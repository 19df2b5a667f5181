// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/pass.h"

#include <algorithm>
#include <numeric>

#include "aggregation/robust/strip.h"

namespace tributary::robust {

absl::Status ReadAll(
    Updates& updates, std::span<const std::size_t> rows,
    const Execution& execution,
    const std::function<void(std::size_t offset, const Block&)>& visit) {
  const std::size_t bytes_of_strip =
      std::max<std::size_t>(updates.RowsHeld(rows.size()), 1) * kStrip *
      sizeof(float);
  const std::size_t columns =
      kStrip * std::max<std::size_t>(execution.block_bytes / bytes_of_strip, 1);
  Block block;
  for (std::size_t offset = 0; offset < updates.length(); offset += columns) {
    block.Reshape(rows.size(), std::min(columns, updates.length() - offset));
    const absl::Status read =
        updates.Read(rows, offset, execution.for_each, block);
    if (!read.ok()) return read;
    visit(offset, block);
  }
  return absl::OkStatus();
}

std::vector<std::size_t> AllRows(const Updates& updates) {
  std::vector<std::size_t> rows(updates.count());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace tributary::robust
