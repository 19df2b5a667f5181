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
constexpr std::size_t kMostStateVectors = 3;

}  // namespace

Release::Release(ExactSum&& sum, const ServerOptimizer& optimizer,
                 const Strategy& strategy)
    : sum_(std::move(sum)), optimizer_(optimizer), strategy_(strategy, sum_) {
  TRIBUTARY_INVARIANT(sum_.contributions(), >, std::uint64_t{0});
}

void Release::Block(std::size_t offset, std::span<float> weights,
                    std::span<const std::span<float>> state) const {
  const Layout& layout = sum_.layout();
  const auto before = [&](std::size_t end) {
    return offset < end ? std::min(weights.size(), end - offset) : 0;
  };
  const std::size_t parameters = before(layout.trainable);
  const std::size_t model = before(layout.model());
  MoveParameters(offset, weights.first(parameters), state);
  MoveEach(offset + parameters, weights.subspan(parameters, model - parameters),
           [](float weight, float mean) { return weight + mean; });
  MoveEach(offset + model, weights.subspan(model),
           [this](float weight, float mean) {
             return strategy_.NextAuxiliary(weight, mean);
           });
}

void Release::MoveParameters(std::size_t offset, std::span<float> weights,
                             std::span<const std::span<float>> state) const {
  const auto own = static_cast<std::size_t>(StateVectors(optimizer_));
  TRIBUTARY_INVARIANT(
      state.size(), ==,
      own + static_cast<std::size_t>(StateVectors(strategy_.strategy())));
  std::array<float, kScratch> mean;
  for (std::size_t done = 0; done < weights.size();) {
    const std::size_t count = std::min(kScratch, weights.size() - done);
    const std::span<float> delta = std::span(mean).first(count);
    sum_.MeanBlock(offset + done, delta);
    std::array<std::span<float>, kMostStateVectors> part;
    for (std::size_t k = 0; k < state.size(); ++k) {
      part[k] = state[k].subspan(done, count);
    }
    const auto all = std::span<const std::span<float>>(part);
    strategy_.TurnMean(delta, all.subspan(own, state.size() - own));
    StepBlock(optimizer_, weights.subspan(done, count), delta, all.first(own));
    done += count;
  }
}

template <typename Move>
void Release::MoveEach(std::size_t offset, std::span<float> weights,
                       Move move) const {
  std::array<float, kScratch> mean;
  for (std::size_t done = 0; done < weights.size();) {
    const std::size_t count = std::min(kScratch, weights.size() - done);
    const std::span<float> delta = std::span(mean).first(count);
    sum_.MeanBlock(offset + done, delta);
    for (std::size_t i = 0; i < count; ++i) {
      weights[done + i] = move(weights[done + i], delta[i]);
    }
    done += count;
  }
}

}  // namespace tributary::aggregation
