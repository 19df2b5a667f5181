// SPDX-License-Identifier: Apache-2.0
// Any bytes as LEAF's JSON: what is accepted has an owner and a label for each
// example, all equally long and finite.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "simulation/datasets/leaf.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  tributary::data::MemorySource source({data, size});
  tributary::datasets::Examples examples;
  tributary::datasets::Owners owners(examples);
  if (!tributary::datasets::AppendLeaf(source, owners, examples).ok()) return 0;
  const std::size_t count = examples.data.Size();
  const std::size_t length = count == 0 ? 0 : examples.data.ExampleLength();
  if (examples.owner.size() != count || count > size ||
      examples.data.features.size() != count * length) {
    std::abort();
  }
  for (const std::uint32_t owner : examples.owner) {
    if (owner >= examples.owners.size()) std::abort();
  }
  for (const float value : examples.data.features) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
