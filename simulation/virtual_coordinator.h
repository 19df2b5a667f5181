// SPDX-License-Identifier: Apache-2.0
// The engine's body in a simulation: the same engine, sums and releases as in
// the coordinator process, with its effects performed in memory and its
// messages given to a link instead of a network. Updates that arrive as bytes
// were verified as there; others are in the sum already
// (simulation/partial_sums.h). Integers have a sum of their own, and a secure
// session if the plan wants one (simulation/packed_round.h). Under a robust
// rule they are kept until the release (simulation/robust_round.h).
//
// With several ranks each has the same coordinator and folds those updates that
// it made itself; at a release their sums are put together.
//
// While the journal is replayed no update has bytes: what verification found
// and what was released are taken from it, and nothing is summed. Secure
// sessions are held again.
//
// One thread. Lifetime: ranks, journal, link and observer outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregation/exact_sum.h"
#include "aggregation/server_optimizer.h"
#include "aggregation/strategy.h"
#include "coordinator/round/engine.h"
#include "coordinator/wire/messages.h"
#include "privacy/secagg/identity.h"
#include "simulation/checkpoint.h"
#include "simulation/effort.h"
#include "simulation/first_model.h"
#include "simulation/journal.h"
#include "simulation/observer.h"
#include "simulation/packed_round.h"
#include "simulation/ranks/ranks.h"
#include "simulation/received_update.h"
#include "simulation/robust_round.h"
#include "tributary/model.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// The name of the client that evaluates centrally.
inline constexpr const char* kEvaluatorName = "evaluator";

// Brings the coordinator's messages to its clients, and wakes it.
class CoordinatorLink {
 public:
  virtual ~CoordinatorLink() = default;
  virtual void Deliver(const round::ClientId& client,
                       v1::ServerMessage message) = 0;
  // What clients spent on tasks that ended since this was last asked, by class
  // of device.
  virtual std::vector<Effort> TakeEfforts() = 0;
  // Tick is due then. Replaces what was asked for before.
  virtual void WakeAt(round::Instant when) = 0;
};

class VirtualCoordinator {
 public:
  // The plan has its defaults, its noise multiplier included. The authority
  // knows the clients of secure sessions. InvalidArgument, naming the key, if
  // the plan and the model do not fit.
  static absl::StatusOr<std::unique_ptr<VirtualCoordinator>> Create(
      const v1::Plan& plan, const Key& run_key, FirstModel first,
      const secagg::Authority& authority, Ranks& ranks, Journal& journal,
      CoordinatorLink& link, Observer& observer);

  // Before a replay: what training had made. DataLoss if it does not fit the
  // run's model.
  absl::Status Restore(const std::vector<StoredModel>& models,
                       std::vector<std::vector<float>> optimizer_state);
  // After it. DataLoss if one was missing of the models that tasks may name.
  absl::Status EndReplay();

  // A message of this client's stream.
  void Receive(const round::ClientId& client, const v1::ClientMessage& message,
               round::Instant now);
  // The stream is gone.
  void Leave(const round::ClientId& client, round::Instant now);
  // The whole encoded update that its header announced.
  void ReceiveUpdate(const round::ClientId& client,
                     const ReceivedUpdate& update, round::Instant now);
  void Tick(round::Instant now);
  void Stop(round::Instant now);

  // A model that a task of now may name; null if there is none.
  std::shared_ptr<const Model> Fetch(const round::ModelId& id) const;
  // Whether this names the run's TorchScript archive.
  bool IsArchive(const Digest& digest) const {
    return digest.AsBytes() == frame_.archive;
  }
  // Until when an update to this task of this client would count; nothing if it
  // counts already, or never will.
  std::optional<round::Instant> AwaitsUntil(const round::ClientId& client,
                                            const std::string& token) const;
  // How many more trainers may wait here; how long one that is told to come
  // back stays away in the mean.
  std::size_t Room() const { return engine_.Room(); }
  round::Duration MeanAbsence() const;
  // Whether a round asks more clients than it takes updates.
  bool OverSelects() const;
  // How many more updates the round takes that collects them.
  std::size_t Wanted() const;
  // The sum of the round that collects.
  PartialSums& sums() { return sums_; }
  // What an update of so many examples counts.
  std::uint32_t CountedWeight(std::uint32_t examples) const;
  // What updates of the round that is open are, where they are integers.
  std::shared_ptr<const coordinator::IntegerRound> integers() const {
    return packed_ ? packed_->round() : nullptr;
  }
  // What an update must be.
  const UpdateFormat& format() const { return format_; }
  // A model's file, and the largest that an encoded update may be.
  std::uint64_t model_bytes() const;
  std::uint64_t update_bytes() const;
  const Model& latest() const { return *models_.back(); }
  // Those that tasks may still name, the latest last.
  const std::vector<std::shared_ptr<const Model>>& models() const {
    return models_;
  }
  const std::vector<std::vector<float>>& optimizer_state() const {
    return optimizer_state_;
  }
  // Whether the round being made, if any, has counted no update yet.
  bool HoldsNoUpdate() const;
  // Of every model's file.
  const std::string& header() const { return header_; }
  // How the run ended, once it has; why a client failed last, if the run did.
  const std::optional<round::EndRun>& end() const { return end_; }
  const round::State& state() const { return engine_.state(); }
  // Why no model could be made, once that is so: nothing goes on then.
  const absl::Status& status() const { return status_; }

 private:
  VirtualCoordinator(const v1::Plan& plan, const round::Options& options,
                     const Key& run_key, FirstModel first,
                     const aggregation::Layout& layout,
                     std::optional<PackedRound> packed, Ranks& ranks,
                     Journal& journal, CoordinatorLink& link,
                     Observer& observer);

  void Step(const round::Event& event, round::Instant now);
  void StepOnce(const round::Event& event, round::Instant now);
  void Receive(const round::ClientId& client, const v1::UpdateHeader& announced,
               round::Instant now);
  void Receive(const round::ClientId& client,
               const v1::SecureClientMessage& message, round::Instant now);
  // Whether this is the client's task in the attempt that is open.
  bool IsOpenTask(const round::ClientId& client,
                  const round::TaskToken& token) const;
  // What a client has to answer now in its secure session.
  void SendSecure(const round::ClientId& client);
  // Of the attempt that is open; null if it has none.
  coordinator::SecureSession* Session();
  // Whether an encoded update may be so long.
  bool IsSize(std::uint64_t size) const;
  void Release(const round::ReleaseRound& release);
  // Tells the observer what the release, or the attempt, costs, before it is
  // made.
  absl::Status Charge(int round, int attempt,
                      const std::vector<round::ClientId>& whom);
  // The sum of the round on all ranks: means, and what else it says; and whose
  // updates were outliers to a robust rule, if it tells.
  struct Finished {
    coordinator::FinishedSum sum;
    std::optional<std::vector<round::ClientId>> outliers;
  };
  absl::StatusOr<Finished> FinishSum(const round::ReleaseRound& release);
  // Where centered clipping begins; empty under every other rule.
  std::span<const float> Center() const;
  std::shared_ptr<const Model> MakeModel(
      aggregation::ExactSum&& sum,
      const std::optional<round::Mixture>& mixture);
  // In a replay: that of the checkpoint, or no more than its name.
  std::shared_ptr<const Model> RecallModel(const round::ModelId& id) const;
  void EndSums();
  // Counts the update that arrived; adds it to the sum if nobody did, or keeps
  // it for the robust rule.
  void Add(const round::AcceptUpdate& accepted);
  void ForgetOldModels();

  void Perform(const round::OfferTask& effect);
  void Perform(const round::ComeBack& effect);
  void Perform(const round::GrantUpload& effect);
  void Perform(const round::AcceptUpdate& effect);
  void Perform(const round::AcknowledgeAgain& effect);
  void Perform(const round::Refuse& effect);
  void Perform(const round::CancelTask& effect);
  void Perform(const round::AcceptEvaluation& effect);
  void Perform(const round::OpenRound& effect);
  void Perform(const round::CloseSecureStep& effect);
  void Perform(const round::ReleaseRound& effect);
  void Perform(const round::CommitRound& effect);
  void Perform(const round::AbandonRound& effect);
  void Perform(const round::QuarantineClient&) {}
  void Perform(const round::EndRun& effect);
  void Perform(const round::WakeAt& effect);

  const v1::Plan plan_;
  const Key run_key_;
  const Manifest manifest_;
  const std::string header_;
  coordinator::TaskFrame frame_;
  const UpdateFormat format_;
  const aggregation::ServerOptimizer optimizer_;
  const aggregation::Strategy strategy_;
  Ranks& ranks_;
  Journal& journal_;
  CoordinatorLink& link_;
  Observer& observer_;
  round::Engine engine_;

  std::vector<std::shared_ptr<const Model>> models_;
  // Of a checkpoint, until they come up in the replay.
  std::vector<std::shared_ptr<const Model>> restored_;
  std::vector<std::vector<float>> optimizer_state_;
  PartialSums sums_;
  // Of a plan whose updates are integers.
  std::optional<PackedRound> packed_;
  // Of a plan with a robust rule.
  std::optional<RobustRound> robust_;
  // The floats of the update that arrived in this step.
  decltype(ReceivedUpdate::floats) arrived_;
  // Of the round that collects.
  RoundSummary summary_;
  // A release, and steps of a secure session closed, in this step.
  std::optional<round::ReleaseRound> release_;
  std::deque<round::Event> closed_;
  // The latest failed task or defective update: whose, and why.
  std::string last_failure_;
  std::optional<round::EndRun> end_;
  absl::Status status_;
};

}  // namespace tributary::simulation
