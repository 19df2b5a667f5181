// SPDX-License-Identifier: Apache-2.0
// Any text as a table of numbers: what is accepted is rectangular and finite.
// Input: one byte for the columns, then the file.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "simulation/datasets/table.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 1) return 0;
  const std::size_t columns = 1 + data[0] % 8;
  tributary::data::MemorySource source({data + 1, size - 1});
  const auto table = tributary::datasets::ParseTable(source, columns);
  if (!table.ok()) return 0;
  if (table->values.empty() || table->values.size() % columns != 0 ||
      table->values.size() > size) {
    std::abort();
  }
  for (const float value : table->values) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
