// SPDX-License-Identifier: Apache-2.0
#include "simulation/attacks/mimic.h"

#include <cmath>

#include "aggregation/invariant.h"
#include "simulation/datasets/normal.h"

namespace tributary::attacks {
namespace {

double Norm(std::span<const double> vector) {
  double squared = 0;
  for (const double value : vector) squared += value * value;
  return std::sqrt(squared);
}

}  // namespace

MimicTarget::MimicTarget(std::size_t length, RandomSource& random)
    : mean_(length), direction_(length) {
  for (double& value : direction_) value = datasets::Normal(random);
}

std::size_t MimicTarget::Choose(
    std::span<const std::span<const float>> honest) {
  TRIBUTARY_INVARIANT(honest.size(), >, std::size_t{0});
  Turn(honest);
  ++round_;
  std::size_t best = 0;
  double furthest = 0;
  for (std::size_t k = 0; k < honest.size(); ++k) {
    double along = 0;
    for (std::size_t i = 0; i < direction_.size(); ++i) {
      along += honest[k][i] * direction_[i];
    }
    if (k == 0 || along > furthest) {
      furthest = along;
      best = k;
    }
  }
  return best;
}

void MimicTarget::Turn(std::span<const std::span<const float>> honest) {
  const double before = static_cast<double>(round_);
  const double after = before + 1;
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    double sum = 0;
    for (const std::span<const float> update : honest) sum += update[i];
    mean_[i] =
        (before * mean_[i] + sum / static_cast<double>(honest.size())) / after;
  }
  std::vector<double> pull(mean_.size());
  for (const std::span<const float> update : honest) {
    TRIBUTARY_INVARIANT(update.size(), ==, mean_.size());
    double along = 0;
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      along += (update[i] - mean_[i]) * direction_[i];
    }
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      pull[i] += along * (update[i] - mean_[i]);
    }
  }
  const double length = Norm(pull);
  if (length == 0) return;  // the honest do not differ
  for (std::size_t i = 0; i < pull.size(); ++i) {
    direction_[i] = (before * direction_[i] + pull[i] / length) / after;
  }
  const double norm = Norm(direction_);
  if (norm == 0) return;
  for (double& value : direction_) value /= norm;
}

}  // namespace tributary::attacks
