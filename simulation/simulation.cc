// SPDX-License-Identifier: Apache-2.0
#include "simulation/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

absl::Status CheckParticipants(const SimulationInputs& inputs) {
  std::size_t trainers = 0;
  std::size_t evaluators = 0;
  for (const Participant& participant : inputs.participants) {
    ++(participant.role == v1::EVALUATOR ? evaluators : trainers);
  }
  const v1::Plan& plan = inputs.plan;
  if (plan.round().min_updates() > trainers) {
    return absl::InvalidArgumentError(
        absl::StrCat("round.min_updates: ", plan.round().min_updates(),
                     " exceeds the ", trainers, " clients with examples"));
  }
  if (plan.evaluation().every_rounds() > 0 && evaluators == 0) {
    return absl::InvalidArgumentError(
        "evaluation.every_rounds: needs simulation.test");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Simulation>> Simulation::Create(
    SimulationInputs inputs, Observer& observer) {
  if (auto fit = CheckParticipants(inputs); !fit.ok()) return fit;
  std::unique_ptr<Simulation> simulation(
      new Simulation(inputs.device, inputs.run_key, inputs.workers));
  auto coordinator = VirtualCoordinator::Create(inputs.plan, inputs.run_key,
                                                std::move(inputs.first),
                                                *simulation, observer);
  if (!coordinator.ok()) return coordinator.status();
  simulation->coordinator_ = *std::move(coordinator);
  simulation->world_.reset(
      new World{simulation->time_, *simulation->coordinator_, simulation->pool_,
                simulation->device_, simulation->jitter_});
  for (Participant& participant : inputs.participants) {
    const std::string name = participant.id.name;
    auto client = std::make_unique<VirtualClient>(*simulation->world_,
                                                  std::move(participant));
    const round::Duration start(
        static_cast<round::Duration::rep>(simulation->jitter_.Below(
            simulation->device_.start_spread.count() + 1)));
    simulation->time_.After(start,
                            [client = client.get()] { client->Start(); });
    simulation->clients_.emplace(name, std::move(client));
  }
  return simulation;
}

Simulation::Simulation(const Device& device, const Key& run_key, int workers)
    : device_(device), jitter_(run_key, "jitter"), pool_(workers) {}

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
  }
  return *coordinator_->end();
}

void Simulation::SwitchOffAt(round::Instant when, const std::string& client) {
  time_.At(when,
           [this, client = clients_.at(client).get()] { client->SwitchOff(); });
}

void Simulation::Deliver(const round::ClientId& client,
                         v1::ServerMessage message) {
  const auto found = clients_.find(client.name);
  if (found == clients_.end()) return;
  time_.After(device_.message,
              [to = found->second.get(), message = std::move(message)] {
                to->Receive(message);
              });
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
