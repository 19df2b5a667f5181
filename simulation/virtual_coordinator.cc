// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_coordinator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "aggregation/encoding.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/round/pace.h"
#include "proto/codec/plan.h"
#include "proto/codec/privacy.h"
#include "proto/codec/strategy.h"

namespace tributary::simulation {

using round::ClientId;

absl::StatusOr<std::unique_ptr<VirtualCoordinator>> VirtualCoordinator::Create(
    const v1::Plan& plan, const Key& run_key, FirstModel first,
    const secagg::Authority& authority, Ranks& ranks, Journal& journal,
    CoordinatorLink& link, Observer& observer) {
  auto options = checkpoint::ToOptions(plan);
  if (!options.ok()) return options.status();
  if (!IsMasked(plan)) options->secure.reset();
  if (plan.has_privacy()) {
    const auto rounds =
        codec::AffordableRounds(plan, first.model->manifest, dp::Spend());
    if (!rounds.ok()) return rounds.status();
    options->max_debits = static_cast<int>(*rounds);
  }
  const auto local = codec::LocalRanges(plan.strategy(), first.model->manifest);
  if (!local.ok()) return local.status();
  auto layout =
      codec::ToLayout(plan.update(), first.model->manifest, plan.strategy());
  if (!layout.ok()) return layout.status();
  std::optional<PackedRound> packed;
  if (options->packed) {
    auto round = PackedRound::Create(plan, first.model->manifest, authority);
    if (!round.ok()) return round.status();
    packed = *std::move(round);
  }
  return std::unique_ptr<VirtualCoordinator>(new VirtualCoordinator(
      plan, *options, run_key, std::move(first), *layout, std::move(packed),
      ranks, journal, link, observer));
}

VirtualCoordinator::VirtualCoordinator(
    const v1::Plan& plan, const round::Options& options, const Key& run_key,
    FirstModel first, const aggregation::Layout& layout,
    std::optional<PackedRound> packed, Ranks& ranks, Journal& journal,
    CoordinatorLink& link, Observer& observer)
    : plan_(plan),
      run_key_(run_key),
      manifest_(first.model->manifest),
      header_(std::move(first.header)),
      frame_{.run = plan.name(),
             .archive = std::move(first.archive),
             .training = plan.training(),
             .update = plan.update(),
             .strategy = plan.has_strategy() ? std::optional(plan.strategy())
                                             : std::nullopt,
             .integers = std::nullopt,
             .secure = std::nullopt},
      format_{codec::ToEncoding(plan.update()).encoding, layout},
      optimizer_(codec::ToOptimizer(plan.server_optimizer())),
      strategy_(codec::ToStrategy(plan)),
      ranks_(ranks),
      journal_(journal),
      link_(link),
      observer_(observer),
      engine_(options, run_key, first.model->id),
      models_{std::move(first.model)},
      optimizer_state_(aggregation::StateVectors(optimizer_) +
                           aggregation::StateVectors(strategy_),
                       std::vector<float>(layout.trainable)),
      sums_(layout),
      packed_(std::move(packed)) {
  if (plan.has_robust()) robust_.emplace(plan, layout, run_key);
}

coordinator::SecureSession* VirtualCoordinator::Session() {
  return packed_ ? packed_->session() : nullptr;
}

std::shared_ptr<const Model> VirtualCoordinator::Fetch(
    const round::ModelId& id) const {
  for (const auto& model : models_) {
    if (model->id == id) return model;
  }
  return nullptr;
}

std::optional<round::Instant> VirtualCoordinator::AwaitsUntil(
    const ClientId& client, const std::string& token) const {
  const round::State& state = engine_.state();
  const auto open = state.open_tasks.find(client);
  if (open != state.open_tasks.end() &&
      coordinator::ToToken(token) == open->second.token) {
    return open->second.deadline;
  }
  const round::Phase& phase = state.phase;
  std::optional<round::Instant> deadline;
  if (const auto* keying = std::get_if<round::Keying>(&phase)) {
    deadline = keying->opened + engine_.options().deadline;
  } else if (const auto* collecting = std::get_if<round::Collecting>(&phase)) {
    deadline = collecting->deadline;
  } else {
    return std::nullopt;
  }
  const round::Cohort& cohort = *round::CohortOf(phase);
  const auto found = cohort.find(client);
  if (found == cohort.end() ||
      found->second.state != round::Participation::kAsked ||
      coordinator::ToToken(token) != found->second.token) {
    return std::nullopt;
  }
  return deadline;
}

round::Duration VirtualCoordinator::MeanAbsence() const {
  return round::MeanAbsence(engine_.Horizon());
}

bool VirtualCoordinator::OverSelects() const {
  return engine_.options().Asked() > engine_.options().cohort_size;
}

std::size_t VirtualCoordinator::Wanted() const {
  const auto* collecting =
      std::get_if<round::Collecting>(&engine_.state().phase);
  if (collecting == nullptr) return 0;
  return static_cast<std::size_t>(
      std::max(0, engine_.options().cohort_size - collecting->accepted));
}

std::uint32_t VirtualCoordinator::CountedWeight(std::uint32_t examples) const {
  return std::min(examples,
                  static_cast<std::uint32_t>(engine_.options().max_weight));
}

std::uint64_t VirtualCoordinator::model_bytes() const {
  return header_.size() + format_.layout.length * sizeof(float);
}

std::uint64_t VirtualCoordinator::update_bytes() const {
  if (packed_) return packed_->update_bytes();
  return aggregation::EncodedSize(format_.encoding, format_.layout.length).max;
}

void VirtualCoordinator::Step(const round::Event& event, round::Instant now) {
  StepOnce(event, now);
  while (!closed_.empty() && status_.ok()) {
    const round::Event answer = std::move(closed_.front());
    closed_.pop_front();
    StepOnce(answer, engine_.state().now);
    if (const auto* closed = std::get_if<round::SecureStepClosed>(&answer)) {
      for (const ClientId& client : closed->remaining) SendSecure(client);
    }
  }
}

void VirtualCoordinator::StepOnce(const round::Event& event,
                                  round::Instant now) {
  for (const round::Effect& effect : engine_.Step(event, now)) {
    std::visit([this](const auto& wanted) { Perform(wanted); }, effect);
  }
  if (release_) Release(*std::exchange(release_, std::nullopt));
}

bool VirtualCoordinator::HoldsNoUpdate() const {
  const round::Phase& phase = engine_.state().phase;
  if (const auto* collecting = std::get_if<round::Collecting>(&phase)) {
    return collecting->accepted == 0;
  }
  if (const auto* buffering = std::get_if<round::Buffering>(&phase)) {
    return buffering->cohort.empty();
  }
  return !std::holds_alternative<round::Unmasking>(phase) &&
         !std::holds_alternative<round::Released>(phase);
}

}  // namespace tributary::simulation
