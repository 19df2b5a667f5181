// SPDX-License-Identifier: Apache-2.0
// One run over virtual clients: the round engine, the client sessions, the
// trainers and the sums of the real processes, joined by an in-memory link and
// virtual time. The same inputs give the same bytes, whatever the workers.
//
// One thread drives it; trainers run on workers. Lifetime: the observer
// outlives it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/availability.h"
#include "simulation/client_evaluation.h"
#include "simulation/device_model.h"
#include "simulation/dropout.h"
#include "simulation/first_model.h"
#include "simulation/lookahead_pool.h"
#include "simulation/observer.h"
#include "simulation/participants.h"
#include "simulation/virtual_client.h"
#include "simulation/virtual_coordinator.h"
#include "simulation/virtual_population.h"
#include "simulation/virtual_time.h"

namespace tributary::simulation {

struct SimulationInputs {
  v1::Plan plan;  // with its defaults, those of its simulation included
  Key run_key{};
  FirstModel first;
  std::shared_ptr<const Participants> participants;
  // Threads that train at once; at least 1. Never changes the result.
  int workers = 1;
};

class Simulation final : private CoordinatorLink {
 public:
  // InvalidArgument, naming the key, if the plan asks for what the participants
  // cannot give, such as a quorum larger than all of them.
  static absl::StatusOr<std::unique_ptr<Simulation>> Create(
      SimulationInputs inputs, Observer& observer);
  ~Simulation() override;

  // Runs until the run ends, or, soon after `interrupted` becomes true, stops
  // it where it is. FailedPrecondition if nothing can happen any more.
  absl::StatusOr<round::EndRun> Run(const std::atomic<bool>& interrupted);

  const Model& model() const { return coordinator_->latest(); }
  const std::string& header() const { return coordinator_->header(); }
  const round::State& state() const { return coordinator_->state(); }
  round::Instant now() const { return time_.now(); }
  // What has happened so far: a measure of what the simulation costs.
  std::uint64_t events() const { return time_.events(); }

  // The device of this client is switched off at an instant, for good.
  void SwitchOffAt(round::Instant when, const std::string& client) {
    population_->SwitchOffAt(when, client);
  }

 private:
  Simulation(const SimulationInputs& inputs, Availability availability,
             Observer& observer);

  void Deliver(const round::ClientId& client,
               v1::ServerMessage message) override;
  void WakeAt(round::Instant when) override;
  std::vector<Effort> TakeEfforts() override;
  // If a round was released that clients are to judge and have not.
  void JudgeByClients();

  const v1::Plan plan_;
  Observer& observer_;
  const std::shared_ptr<const Participants> participants_;
  const ClientEvaluation client_evaluation_;
  const DeviceModel devices_;
  const Availability availability_;
  const Dropout dropout_;
  KeyedStream jitter_;
  VirtualTime time_;
  // Before the clients: they drop their work as they go.
  LookaheadPool pool_;
  std::unordered_map<std::size_t, ClientState> states_;
  std::unique_ptr<VirtualCoordinator> coordinator_;
  std::unique_ptr<World> world_;
  std::unique_ptr<VirtualPopulation> population_;
  std::optional<round::Instant> wake_at_;
  int released_ = 0;  // rounds, when it was last looked
};

}  // namespace tributary::simulation
