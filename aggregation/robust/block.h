// SPDX-License-Identifier: Apache-2.0
// A range of coordinates of several updates: a row each. What is n x block in
// the memory of a rule.
//
// Threads: rows may be written on several at once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tributary::robust {

class Block {
 public:
  // What it held is lost; memory is kept.
  void Reshape(std::size_t rows, std::size_t columns) {
    rows_ = rows;
    columns_ = columns;
    // Rows a power of two apart would all fall into the same few cache lines.
    stride_ = (columns + kLine - 1) / kLine * kLine + kLine;
    if (values_.size() < rows * stride_) values_.resize(rows * stride_);
  }

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  // Floats from a row to the next.
  std::size_t stride() const { return stride_; }
  std::span<float> Row(std::size_t row) {
    return {values_.data() + row * stride_, columns_};
  }
  std::span<const float> Row(std::size_t row) const {
    return {values_.data() + row * stride_, columns_};
  }

 private:
  static constexpr std::size_t kLine = 16;  // floats of a cache line

  std::vector<float> values_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t stride_ = 0;
};

}  // namespace tributary::robust
