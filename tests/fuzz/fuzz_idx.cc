// SPDX-License-Identifier: Apache-2.0
// Any bytes as IDX: what is accepted has the size its header says, no array is
// larger than its input, and all values are finite.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "client/data/idx.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  tributary::data::MemorySource source({data, size});
  const auto array = tributary::data::ParseIdx(source);
  if (!array.ok()) return 0;
  std::size_t expected = 1;
  for (const std::int64_t extent : array->shape) {
    expected *= static_cast<std::size_t>(extent);
  }
  if (array->values.size() != expected || expected > size) std::abort();
  for (const float value : array->values) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
