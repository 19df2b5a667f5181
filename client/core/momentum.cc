// SPDX-License-Identifier: Apache-2.0
#include "client/core/momentum.h"

#include <algorithm>
#include <cstddef>

namespace tributary {

bool HasMomentum(const v1::Task& task) { return task.update().momentum() != 0; }

void AddMomentum(const v1::Task& task, const Manifest& manifest,
                 const ClientState& state, std::span<float> update) {
  const std::span<const float> before = state.momentum;
  if (!HasMomentum(task) || before.empty()) return;
  const std::span<float> parameters = update.first(manifest.TrainableLength());
  if (state.momentum_round == task.round()) {
    std::ranges::copy(before, parameters.begin());
    return;
  }
  const double beta = task.update().momentum();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i] = static_cast<float>(beta * before[i] + parameters[i]);
  }
}

void KeepMomentum(const v1::Task& task, const Manifest& manifest,
                  std::span<const float> update, ClientState& state) {
  if (!HasMomentum(task)) return;
  const auto parameters = update.first(manifest.TrainableLength());
  state.momentum.assign(parameters.begin(), parameters.end());
  state.momentum_round = task.round();
}

}  // namespace tributary
