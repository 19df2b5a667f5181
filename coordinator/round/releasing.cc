// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/releasing.h"

#include <variant>

namespace tributary::round {

ReleaseRound ReleaseOf(const State& state, const Options& options) {
  const Cohort& cohort = std::get<Released>(state.phase).cohort;
  ReleaseRound release{.round = state.round,
                       .attempt = state.attempt,
                       .contributors = {},
                       .total_weight = 0,
                       .divisor = 0,
                       .train_loss = 0,
                       .leaves = 0};
  for (const auto& [client, participant] : cohort) {
    if (participant.state != Participation::kAccepted) continue;
    release.contributors.push_back(client);
    release.total_weight += participant.contribution.weight;
    release.leaves += LeavesOf(participant);
  }
  const bool is_mixed =
      options.asynchronous && options.asynchronous->mixing_rate;
  release.divisor =
      options.asynchronous && !is_mixed
          ? release.contributors.size() * std::uint64_t{options.max_weight}
          : release.total_weight;
  // Shares, not sums: no finite losses can overflow the mean.
  for (const ClientId& client : release.contributors) {
    const Contribution& counted = cohort.at(client).contribution;
    release.train_loss += counted.weight /
                          static_cast<double>(release.total_weight) *
                          counted.train_loss;
  }
  if (is_mixed) {
    release.mixture =
        Mixture{.base = cohort.begin()->second.contribution.base_model,
                .share = *options.asynchronous->mixing_rate *
                         static_cast<double>(release.total_weight) /
                         options.max_weight};
  }
  return release;
}

bool IsInUse(const State& state, const ModelId& model) {
  if (state.model == model) return true;
  if (state.evaluation && state.evaluation->model == model) return true;
  if (state.queued_evaluation && state.queued_evaluation->model == model) {
    return true;
  }
  for (const auto& [client, task] : state.open_tasks) {
    if (task.model == model) return true;
  }
  const auto* released = std::get_if<Released>(&state.phase);
  if (released == nullptr) return false;
  for (const auto& [client, participant] : released->cohort) {
    if (participant.contribution.base_model == model) return true;
  }
  return false;
}

}  // namespace tributary::round
