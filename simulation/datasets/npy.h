// SPDX-License-Identifier: Apache-2.0
// One array in NumPy's format (numpy.lib.format, versions 1 to 3): a magic, the
// version, the length of a Python dictionary, the dictionary, the values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"

namespace tributary::datasets {

struct NpyArray {
  std::vector<std::int64_t> shape;  // empty for a single value
  std::vector<float> values;        // row-major, all finite
};

// Booleans, integers, float32 and float64 of either byte order, in C order;
// anything else is refused. Integers beyond 2^24 are rounded to float32. Takes
// memory as values arrive, not as the header claims.
absl::StatusOr<NpyArray> ParseNpy(data::ByteSource& source);

}  // namespace tributary::datasets
