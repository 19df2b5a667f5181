// SPDX-License-Identifier: Apache-2.0
// Examples in memory, and readers for the common file formats.
//
//   auto data = tributary::ReadData("digits.csv.gz", {}, {.scale = 1.0 / 16});
//   if (!data.ok()) std::cerr << data.status() << "\n";
//
// Dataset is a value; the functions may run on any thread. Whatever a file
// claims, no more memory is taken than a small multiple of what it holds.
// Failures: NotFound and PermissionDenied for files that cannot be opened,
// DataLoss for one that is cut or damaged, InvalidArgument for what it says.
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
// Plain or .gz: commas between numbers, one example a line, all lines equally
// wide. A byte order mark, \r\n and empty lines at the end are accepted; NaN,
// infinities and quotes are not. Errors name the file, the line, the column
// (from 1) and what was expected.
absl::StatusOr<Dataset> ReadCsv(const std::filesystem::path& file,
                                const CsvOptions& options);
// IDX features (u8 multiplied by `scale`, or f32 as they are) and labels (u8,
// i32 or f32, one dimension), plain or .gz. Images get a channel dimension: n x
// h x w reads as {1, h, w}; otherwise an example has the dimensions after the
// first, at most 4.
absl::StatusOr<Dataset> ReadIdx(const std::filesystem::path& features,
                                const std::filesystem::path& labels,
                                double scale);
// What `path` is decides how it is read:
//   a folder               all its *.csv and *.csv.gz in the order of their
//                          names, equally wide
//   *.csv, *.csv.gz        ReadCsv
//   any other file         ReadIdx with `labels` and options.scale
// `labels` is empty where the labels are a column.
absl::StatusOr<Dataset> ReadData(const std::filesystem::path& path,
                                 const std::filesystem::path& labels,
                                 const CsvOptions& options);

}  // namespace tributary
