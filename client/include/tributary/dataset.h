// SPDX-License-Identifier: Apache-2.0
// Examples in memory, and readers for the common file formats.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// n examples, features first dimension n. Immutable once shared.
struct Dataset {
  // Row-major; size n * product(example_shape).
  std::vector<float> features;
  // Shape of one example, e.g. {64} or {1, 28, 28}.
  std::vector<std::int64_t> example_shape;
  // One target per example: a class index or a real value.
  std::vector<float> targets;

  std::size_t Size() const { return targets.size(); }
  std::size_t ExampleLength() const;
  // The examples at these indexes, in this order.
  Dataset Select(const std::vector<std::uint32_t>& indexes) const;
};

struct CsvOptions {
  // Index of the label column, from 0; negative counts from the end.
  int label_column = -1;
  bool header = false;
  // Each feature is multiplied by this.
  double scale = 1;
};
// Plain or .gz. Errors name the file, the line and what was expected.
absl::StatusOr<Dataset> ReadCsv(const std::filesystem::path& file,
                                const CsvOptions& options);
// IDX features (u8 scaled by `scale`, or f32) and labels, plain or .gz. Images
// get a channel dimension: n x h x w reads as {1, h, w}.
absl::StatusOr<Dataset> ReadIdx(const std::filesystem::path& features,
                                const std::filesystem::path& labels,
                                double scale);

}  // namespace tributary
