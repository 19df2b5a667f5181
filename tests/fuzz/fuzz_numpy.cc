// SPDX-License-Identifier: Apache-2.0
// Any bytes as an array of NumPy, and as an archive of them: what is accepted
// has the size its header says, and all values are finite.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "simulation/datasets/npy.h"
#include "simulation/datasets/zip_archive.h"
#include "tests/client/data/memory_source.h"

namespace {

void CheckArray(tributary::data::ByteSource& source) {
  const auto array = tributary::datasets::ParseNpy(source);
  if (!array.ok()) return;
  std::size_t expected = 1;
  for (const std::int64_t extent : array->shape) {
    expected *= static_cast<std::size_t>(extent);
  }
  if (array->values.size() != expected || expected == 0) std::abort();
  for (const float value : array->values) {
    if (!std::isfinite(value)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  tributary::data::MemorySource source({data, size});
  CheckArray(source);
  const auto archive = tributary::datasets::ZipArchive::OpenBytes({data, size});
  if (!archive.ok()) return 0;
  const auto member = (*archive)->Member("x.npy");
  if (member.ok()) CheckArray(**member);
  return 0;
}
