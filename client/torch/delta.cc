// SPDX-License-Identifier: Apache-2.0
#include "client/torch/delta.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "aggregation/vector_clones.h"

namespace tributary::torch_internal {
namespace {

TRIBUTARY_VECTOR_CLONES
void SubtractEach(const float* __restrict trained,
                  const float* __restrict start, std::size_t count,
                  float* __restrict delta) {
  for (std::size_t i = 0; i < count; ++i) delta[i] = trained[i] - start[i];
}

// Floats without their sign order as their bit patterns do, with infinities and
// NaN above every number.
TRIBUTARY_VECTOR_CLONES
std::int32_t SubtractAndResetEach(float* __restrict trained,
                                  const float* __restrict start,
                                  std::size_t count, float* __restrict delta) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    delta[i] = trained[i] - start[i];
    trained[i] = start[i];
    const auto magnitude = std::bit_cast<std::int32_t>(delta[i]) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

}  // namespace

void Subtract(std::span<const float> trained, std::span<const float> start,
              std::span<float> delta) {
  SubtractEach(trained.data(), start.data(), delta.size(), delta.data());
}

float SubtractAndReset(std::span<float> trained, std::span<const float> start,
                       std::span<float> delta) {
  return std::bit_cast<float>(SubtractAndResetEach(trained.data(), start.data(),
                                                   delta.size(), delta.data()));
}

}  // namespace tributary::torch_internal
