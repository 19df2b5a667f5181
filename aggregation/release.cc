// SPDX-License-Identifier: Apache-2.0
#include "aggregation/release.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregation/invariant.h"

namespace tributary::aggregation {
namespace {

// Small enough for the stack and the first cache.
constexpr std::size_t kScratch = 2'048;
constexpr std::size_t kMostStateVectors = 2;

}  // namespace

Release::Release(ExactSum&& sum, const ServerOptimizer& optimizer)
    : sum_(std::move(sum)), optimizer_(optimizer) {
  TRIBUTARY_INVARIANT(sum_.contributions(), >, std::uint64_t{0});
}

void Release::Block(std::size_t offset, std::span<float> weights,
                    std::span<const std::span<float>> state) const {
  TRIBUTARY_INVARIANT(state.size(), ==,
                      static_cast<std::size_t>(StateVectors(optimizer_)));
  const std::size_t trainable = sum_.layout().trainable;
  const std::size_t parameters =
      offset < trainable ? std::min(weights.size(), trainable - offset) : 0;
  std::array<float, kScratch> mean;
  for (std::size_t done = 0; done < parameters;) {
    const std::size_t count = std::min(kScratch, parameters - done);
    const std::span<float> delta = std::span(mean).first(count);
    sum_.MeanBlock(offset + done, delta);
    std::array<std::span<float>, kMostStateVectors> part;
    for (std::size_t k = 0; k < state.size(); ++k) {
      part[k] = state[k].subspan(done, count);
    }
    StepBlock(optimizer_, weights.subspan(done, count), delta,
              std::span(part).first(state.size()));
    done += count;
  }
  for (std::size_t done = parameters; done < weights.size();) {
    const std::size_t count = std::min(kScratch, weights.size() - done);
    const std::span<float> delta = std::span(mean).first(count);
    sum_.MeanBlock(offset + done, delta);
    for (std::size_t i = 0; i < count; ++i) weights[done + i] += delta[i];
    done += count;
  }
}

}  // namespace tributary::aggregation
