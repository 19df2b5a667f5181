// SPDX-License-Identifier: Apache-2.0
#include "simulation/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

absl::Status CheckParticipants(const SimulationInputs& inputs) {
  const Participants& participants = *inputs.participants;
  std::size_t trainers = 0;
  for (std::size_t i = 0; i < participants.clients(); ++i) {
    if (participants.Examples(i) > 0) ++trainers;
  }
  const v1::Plan& plan = inputs.plan;
  if (plan.round().min_updates() > trainers) {
    return absl::InvalidArgumentError(
        absl::StrCat("round.min_updates: ", plan.round().min_updates(),
                     " exceeds the ", trainers, " clients with examples"));
  }
  if (plan.evaluation().every_rounds() > 0 &&
      participants.TestExamples() == 0) {
    return absl::InvalidArgumentError(
        "evaluation.every_rounds: needs simulation.test");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Simulation>> Simulation::Create(
    SimulationInputs inputs, Observer& observer) {
  if (auto fit = CheckParticipants(inputs); !fit.ok()) return fit;
  std::unique_ptr<Simulation> simulation(new Simulation(
      std::move(inputs.participants), inputs.run_key, inputs.workers));
  auto coordinator = VirtualCoordinator::Create(inputs.plan, inputs.run_key,
                                                std::move(inputs.first),
                                                *simulation, observer);
  if (!coordinator.ok()) return coordinator.status();
  simulation->coordinator_ = *std::move(coordinator);
  simulation->world_.reset(new World{.time = simulation->time_,
                                     .coordinator = *simulation->coordinator_,
                                     .pool = simulation->pool_,
                                     .participants = *simulation->participants_,
                                     .jitter = simulation->jitter_,
                                     .states = simulation->states_});
  simulation->population_ = std::make_unique<VirtualPopulation>(
      *simulation->world_, inputs.run_key, inputs.plan.population());
  return simulation;
}

Simulation::Simulation(std::shared_ptr<const Participants> participants,
                       const Key& run_key, int workers)
    : participants_(std::move(participants)),
      jitter_(run_key, "jitter"),
      pool_(workers) {}

Simulation::~Simulation() = default;

absl::StatusOr<round::EndRun> Simulation::Run(
    const std::atomic<bool>& interrupted) {
  while (!coordinator_->end()) {
    if (interrupted.load(std::memory_order_relaxed)) {
      coordinator_->Stop(time_.now());
      continue;
    }
    if (!time_.RunNext()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "round ", coordinator_->state().round,
          ": every client is done or gone and the round cannot go on"));
    }
    population_->Invite();
  }
  return *coordinator_->end();
}

void Simulation::Deliver(const round::ClientId& client,
                         v1::ServerMessage message) {
  population_->Deliver(client, std::move(message));
}

void Simulation::WakeAt(round::Instant when) {
  if (wake_at_ == when) return;
  wake_at_ = when;
  time_.At(when, [this, when] {
    if (wake_at_ != when) return;
    wake_at_.reset();
    coordinator_->Tick(time_.now());
  });
}

}  // namespace tributary::simulation
