// SPDX-License-Identifier: Apache-2.0
// IDX, the format of the MNIST files (LeCun, Cortes, Burges): two zero bytes, a
// type, the number of dimensions, each as a big-endian u32, then the values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "client/data/byte_source.h"

namespace tributary::data {

enum class IdxType : std::uint8_t { kU8 = 0x08, kI32 = 0x0c, kF32 = 0x0d };

struct IdxArray {
  IdxType type;
  std::vector<std::int64_t> shape;
  std::vector<float> values;  // as many as the shape says, all finite
};

// Takes memory as values arrive, not as the header claims.
absl::StatusOr<IdxArray> ParseIdx(ByteSource& source);

}  // namespace tributary::data
