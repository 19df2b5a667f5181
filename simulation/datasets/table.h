// SPDX-License-Identifier: Apache-2.0
// Text files of numbers between blanks, one row a line, no header.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"

namespace tributary::datasets {

struct Table {
  std::size_t columns = 1;
  std::vector<float> values;  // row-major

  std::size_t Rows() const { return values.size() / columns; }
  std::span<const float> Row(std::size_t row) const {
    return std::span(values).subspan(row * columns, columns);
  }
};

// A table of this many columns and at least one row. Errors name the file, the
// line and the column.
absl::StatusOr<Table> ParseTable(data::ByteSource& source, std::size_t columns);
absl::StatusOr<Table> ReadTable(const std::filesystem::path& file,
                                std::size_t columns);

}  // namespace tributary::datasets
