// SPDX-License-Identifier: Apache-2.0
// One run over virtual clients: the round engine, the client sessions, the
// trainers and the sums of the real processes, joined by an in-memory link and
// virtual time. The same inputs give the same bytes, whatever the workers and
// the ranks, and whether it went on from a checkpoint or was never interrupted.
//
// One thread drives it; trainers run on workers. Lifetime: the observer
// outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/availability.h"
#include "simulation/checkpoint.h"
#include "simulation/client_evaluation.h"
#include "simulation/device_model.h"
#include "simulation/dropout.h"
#include "simulation/first_model.h"
#include "simulation/intermission.h"
#include "simulation/journal.h"
#include "simulation/observer.h"
#include "simulation/participants.h"
#include "simulation/ranks/ranks.h"
#include "simulation/shared_work.h"
#include "simulation/virtual_client.h"
#include "simulation/virtual_coordinator.h"
#include "simulation/virtual_identities.h"
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
  // Those that make this run together, each with the same inputs but for the
  // workers.
  std::shared_ptr<Ranks> ranks = std::make_shared<OneRank>();
};

class Simulation final : private CoordinatorLink {
 public:
  // InvalidArgument, naming the key, if the plan asks for what the participants
  // cannot give, such as a quorum larger than all of them.
  static absl::StatusOr<std::unique_ptr<Simulation>> Create(
      SimulationInputs inputs, Observer& observer);
  ~Simulation() override;

  // Before Run: goes to where the checkpoint was taken, tells the observer of
  // all that happened until then, and trains nothing. The inputs are those of
  // the run that was saved. FailedPrecondition if they are not, DataLoss if the
  // checkpoint does not fit the model.
  absl::Status Resume(Checkpoint checkpoint);

  // Runs until the run ends, or is stopped between two rounds. An error of
  // saving, or FailedPrecondition if nothing can happen any more.
  absl::StatusOr<round::EndRun> Run(Intermission& intermission);
  absl::StatusOr<round::EndRun> Run();

  const Model& model() const { return coordinator_->latest(); }
  const std::string& header() const { return coordinator_->header(); }
  const round::State& state() const { return coordinator_->state(); }
  round::Instant now() const { return time_.now(); }
  // What has happened so far: a measure of what the simulation costs.
  std::uint64_t events() const { return time_.events(); }

  // What a checkpoint holds besides; to be read between rounds.
  const Journal& journal() const { return journal_; }
  const std::vector<std::shared_ptr<const Model>>& models() const {
    return coordinator_->models();
  }
  const std::vector<std::vector<float>>& optimizer_state() const {
    return coordinator_->optimizer_state();
  }
  const ClientStates& client_states() const { return states_; }
  const ClientStates& unconfirmed_states() const { return unconfirmed_; }

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
  absl::Status JudgeByClients();
  round::Metrics ClientMetrics();
  // Does what is to happen next.
  absl::Status Advance();

  const v1::Plan plan_;
  Observer& observer_;
  const std::shared_ptr<const Participants> participants_;
  const ClientEvaluation client_evaluation_;
  const DeviceModel devices_;
  const Availability availability_;
  const Dropout dropout_;
  KeyedStream jitter_;
  const Key noise_key_;
  const secagg::Policy policy_;
  VirtualIdentities identities_;
  VirtualTime time_;
  const std::shared_ptr<Ranks> ranks_;
  ClientStates states_;
  ClientStates unconfirmed_;
  Journal journal_;
  std::unique_ptr<VirtualCoordinator> coordinator_;
  // Before the clients: they drop their work as they go.
  std::unique_ptr<SharedWork> work_;
  std::unique_ptr<World> world_;
  std::unique_ptr<VirtualPopulation> population_;
  std::optional<round::Instant> wake_at_;
  int released_ = 0;  // rounds, when it was last looked
  // The round and attempt being made, and since when.
  std::pair<int, int> making_{1, 1};
  round::Instant since_{};
};

}  // namespace tributary::simulation
