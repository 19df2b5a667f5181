// SPDX-License-Identifier: Apache-2.0
#include "client/torch/delta.h"

#include <cstddef>

#include "aggregation/vector_clones.h"

namespace tributary::torch_internal {
namespace {

TRIBUTARY_VECTOR_CLONES
void SubtractEach(const float* __restrict trained,
                  const float* __restrict start, std::size_t count,
                  float* __restrict delta) {
  for (std::size_t i = 0; i < count; ++i) delta[i] = trained[i] - start[i];
}

TRIBUTARY_VECTOR_CLONES
void SubtractAndResetEach(float* __restrict trained,
                          const float* __restrict start, std::size_t count,
                          float* __restrict delta) {
  for (std::size_t i = 0; i < count; ++i) {
    delta[i] = trained[i] - start[i];
    trained[i] = start[i];
  }
}

}  // namespace

void Subtract(std::span<const float> trained, std::span<const float> start,
              std::span<float> delta) {
  SubtractEach(trained.data(), start.data(), delta.size(), delta.data());
}

void SubtractAndReset(std::span<float> trained, std::span<const float> start,
                      std::span<float> delta) {
  SubtractAndResetEach(trained.data(), start.data(), delta.size(),
                       delta.data());
}

}  // namespace tributary::torch_internal
