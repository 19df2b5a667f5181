// SPDX-License-Identifier: Apache-2.0
// Any text as a CSV: what is accepted is rectangular and finite. Input: one
// byte of options, then the file.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "client/data/csv.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 1) return 0;
  tributary::CsvOptions options;
  options.label_column = (data[0] & 7) - 4;
  options.header = (data[0] & 8) != 0;
  options.scale = (data[0] & 16) != 0 ? 1e30 : 0.0625;
  tributary::data::MemorySource source({data + 1, size - 1});
  const auto dataset = tributary::data::ParseCsv(source, options);
  if (!dataset.ok()) return 0;
  if (dataset->Size() == 0 ||
      dataset->features.size() != dataset->Size() * dataset->ExampleLength()) {
    std::abort();
  }
  for (const float value : dataset->features) {
    if (!std::isfinite(value)) std::abort();
  }
  for (const float value : dataset->targets) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
