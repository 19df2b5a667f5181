// SPDX-License-Identifier: Apache-2.0
// Any bytes as a MATLAB file: what is accepted is a finite vector no longer
// than the bytes, or than what compressed elements of it can hold.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "simulation/datasets/mat_file.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  tributary::data::MemorySource source({data, size});
  const auto signal = tributary::datasets::ReadMatSignal(source, "_DE_time");
  if (!signal.ok()) return 0;
  // deflate holds at most 1,032 bytes in one.
  if (signal->empty() || signal->size() > size * 1032) std::abort();
  for (const float value : *signal) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
