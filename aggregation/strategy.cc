// SPDX-License-Identifier: Apache-2.0
#include "aggregation/strategy.h"

#include <algorithm>

#include "aggregation/invariant.h"

namespace tributary::aggregation {
namespace {

// The declared scalar of a strategy that has one.
double MeanScalar(const ExactSum& sum) {
  TRIBUTARY_INVARIANT(sum.layout().auxiliary_length, ==, std::size_t{1});
  float mean = 0;
  sum.MeanBlock(sum.layout().model(), {&mean, 1});
  return mean;
}

double Share(const ExactSum& sum, double clients) {
  return std::min(1.0, static_cast<double>(sum.contributions()) / clients);
}

}  // namespace

int StateVectors(const Strategy& strategy) {
  return std::holds_alternative<FedDyn>(strategy) ||
                 std::holds_alternative<KeptMean>(strategy)
             ? 1
             : 0;
}

RoundStrategy::RoundStrategy(const Strategy& strategy, const ExactSum& sum)
    : strategy_(strategy) {
  if (std::holds_alternative<FedNova>(strategy)) {
    factor_ = MeanScalar(sum);
  } else if (std::holds_alternative<QFedAvg>(strategy)) {
    // Honest normalisers are over 0; a round of others does not move the model.
    const double normaliser = MeanScalar(sum);
    factor_ = normaliser > 0 ? 1 / normaliser : 0;
  } else if (const auto* scaffold = std::get_if<Scaffold>(&strategy)) {
    share_ = Share(sum, scaffold->clients);
  } else if (const auto* feddyn = std::get_if<FedDyn>(&strategy)) {
    share_ = Share(sum, feddyn->clients);
  }
}

void RoundStrategy::TurnMean(std::span<float> mean,
                             std::span<const std::span<float>> state) const {
  if (const auto* feddyn = std::get_if<FedDyn>(&strategy_)) {
    const std::span<float> h = state[0];
    for (std::size_t i = 0; i < mean.size(); ++i) {
      h[i] = static_cast<float>(h[i] - feddyn->alpha * share_ * mean[i]);
      mean[i] = static_cast<float>(mean[i] - h[i] / feddyn->alpha);
    }
    return;
  }
  if (std::holds_alternative<KeptMean>(strategy_)) {
    std::ranges::copy(mean, state[0].begin());
    return;
  }
  if (factor_ == 1) return;
  for (float& value : mean) value = static_cast<float>(factor_ * value);
}

float RoundStrategy::NextAuxiliary(float value, float mean) const {
  if (std::holds_alternative<Scaffold>(strategy_)) {
    return static_cast<float>(value + share_ * mean);
  }
  return mean;
}

}  // namespace tributary::aggregation
