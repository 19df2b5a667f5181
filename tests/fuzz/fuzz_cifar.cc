// SPDX-License-Identifier: Apache-2.0
// Any bytes as CIFAR records: what is accepted has 3,072 features for each
// label, and labels within the classes. Input: one byte that chooses the kind,
// then the file.
#include <cstdint>
#include <cstdlib>

#include "simulation/datasets/cifar.h"
#include "tests/client/data/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using Cifar = tributary::v1::DataSource::Cifar;
  if (size < 1) return 0;
  const Cifar::Labels kinds[] = {Cifar::CIFAR10, Cifar::CIFAR100,
                                 Cifar::CIFAR100_COARSE};
  tributary::data::MemorySource source({data + 1, size - 1});
  tributary::Dataset dataset;
  const absl::Status status =
      tributary::datasets::AppendCifar(source, kinds[data[0] % 3], dataset);
  if (!status.ok()) return 0;
  if (dataset.Size() == 0 || dataset.features.size() != dataset.Size() * 3072) {
    std::abort();
  }
  for (const float label : dataset.targets) {
    if (label >= 100) std::abort();
  }
  return 0;
}
