// SPDX-License-Identifier: Apache-2.0
#include "simulation/simulation.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/keeps_state.h"
#include "simulation/partial_sums.h"

namespace tributary::simulation {
namespace {

// Of virtual time, in one attempt at a round. Deadlines are no longer.
constexpr round::Duration kLongestStandstill = 2 * std::chrono::hours(24 * 30);

absl::Status CheckParticipants(const SimulationInputs& inputs) {
  const Participants& participants = *inputs.participants;
  std::size_t trainers = 0;
  for (std::size_t i = 0; i < participants.clients(); ++i) {
    if (participants.Examples(i) > 0) ++trainers;
  }
  const v1::Plan& plan = inputs.plan;
  if (plan.has_hierarchy()) {
    return absl::InvalidArgumentError(
        "hierarchy: is not built yet in the simulator; the coordinator has it. "
        "Without it the same plan and seed give the same models");
  }
  if (plan.round().min_updates() > trainers) {
    return absl::InvalidArgumentError(
        absl::StrCat("round.min_updates: ", plan.round().min_updates(),
                     " exceeds the ", trainers, " clients with examples"));
  }
  if (plan.has_asynchronous() && plan.round().cohort_size() > trainers) {
    return absl::InvalidArgumentError(
        absl::StrCat("round.cohort_size: ", plan.round().cohort_size(),
                     " updates of different clients are a model, and only ",
                     trainers, " clients have examples"));
  }
  if (plan.evaluation().every_rounds() > 0 &&
      participants.TestExamples() == 0) {
    return absl::InvalidArgumentError(
        "evaluation.every_rounds: needs simulation.test");
  }
  return absl::OkStatus();
}

absl::Status CheckRanks(const v1::Plan& plan, const Ranks& ranks) {
  if (ranks.size() == 1) return absl::OkStatus();
  if (plan.has_robust()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "robust: a rule compares all updates of a round, of which ",
        ranks.size(), " ranks have a part each; run it without ranks"));
  }
  if (!IsMasked(plan)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "secure_aggregation: a secure session is held in one process, not by ",
      ranks.size(),
      " ranks; run it without ranks, or say simulation.skip_masks: true"));
}

bool HaveStates(const v1::Plan& plan) {
  return KeepsClientState(plan.update(), plan.strategy());
}

// What is kept of a training task until its update is accepted.
std::uint64_t BytesOfResult(const v1::Plan& plan,
                            const Participants& participants,
                            const VirtualCoordinator& coordinator) {
  if (AddsWhereMade(plan, participants)) return 0;
  // A new state is about as large as its update, in floats.
  return coordinator.update_bytes() +
         (HaveStates(plan) ? coordinator.model_bytes() : 0);
}

class Uninterrupted final : public Intermission {
 public:
  Wish Ask() override { return Wish::kGoOn; }
  absl::Status Save(const Simulation&) override { return absl::OkStatus(); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Simulation>> Simulation::Create(
    SimulationInputs inputs, Observer& observer) {
  if (auto fit = CheckParticipants(inputs); !fit.ok()) return fit;
  if (auto fit = CheckRanks(inputs.plan, *inputs.ranks); !fit.ok()) return fit;
  auto availability = Availability::Make(
      inputs.plan.simulation().availability(), inputs.run_key);
  if (!availability.ok()) return availability.status();
  std::unique_ptr<Simulation> simulation(
      new Simulation(inputs, *std::move(availability), observer));
  auto coordinator = VirtualCoordinator::Create(
      inputs.plan, inputs.run_key, std::move(inputs.first),
      simulation->identities_, *simulation->ranks_, simulation->journal_,
      *simulation, observer);
  if (!coordinator.ok()) return coordinator.status();
  simulation->coordinator_ = *std::move(coordinator);
  simulation->work_ = std::make_unique<SharedWork>(
      *simulation->ranks_, inputs.workers,
      BytesOfResult(inputs.plan, *simulation->participants_,
                    *simulation->coordinator_));
  if (!simulation->work_->status().ok()) return simulation->work_->status();
  simulation->world_.reset(new World{
      .time = simulation->time_,
      .coordinator = *simulation->coordinator_,
      .work = *simulation->work_,
      .participants = *simulation->participants_,
      .dropout = simulation->dropout_,
      .jitter = simulation->jitter_,
      .identities = simulation->identities_,
      .policy = simulation->policy_,
      .noise_key = simulation->noise_key_,
      .states = simulation->states_,
      .clients_have_states = HaveStates(inputs.plan),
      .adds_where_made = AddsWhereMade(inputs.plan, *simulation->participants_),
      .unconfirmed = simulation->unconfirmed_,
      .journal = simulation->journal_});
  simulation->population_ = std::make_unique<VirtualPopulation>(
      *simulation->world_, simulation->devices_, simulation->availability_,
      inputs.run_key, inputs.plan.population());
  return simulation;
}

Simulation::Simulation(const SimulationInputs& inputs,
                       Availability availability, Observer& observer)
    : plan_(inputs.plan),
      observer_(observer),
      participants_(inputs.participants),
      client_evaluation_(inputs.plan, inputs.run_key, *inputs.participants),
      devices_(inputs.plan.simulation(),
               inputs.first.model->manifest.TrainableLength(), inputs.run_key),
      availability_(std::move(availability)),
      dropout_(inputs.plan.simulation().dropout(), inputs.run_key),
      jitter_(inputs.run_key, "jitter"),
      noise_key_(DeriveKey(inputs.run_key, "noise of clients")),
      policy_(PolicyOf(inputs.plan)),
      ranks_(inputs.ranks) {}

// Of a round that ends with the simulation nothing has to be taken out again.
Simulation::~Simulation() {
  if (coordinator_ != nullptr) coordinator_->sums().Abandon();
}

absl::Status Simulation::Resume(Checkpoint checkpoint) {
  if (auto restored = coordinator_->Restore(
          checkpoint.models, std::move(checkpoint.optimizer_state));
      !restored.ok()) {
    return restored;
  }
  journal_ = Journal(std::move(checkpoint.journal));
  while (time_.events() < checkpoint.events && !coordinator_->end() &&
         !journal_.IsExhausted()) {
    if (auto advanced = Advance(); !advanced.ok()) return advanced;
  }
  if (auto ended = journal_.EndReplay(); !ended.ok()) return ended;
  if (time_.events() != checkpoint.events ||
      coordinator_->state() != checkpoint.engine) {
    return absl::FailedPreconditionError(
        "its journal leads to another state than it was taken in");
  }
  // Training that is still to be done finds them.
  states_ = std::move(checkpoint.states);
  unconfirmed_ = std::move(checkpoint.unconfirmed);
  // The checkpoint may be one of more ranks, or fewer.
  for (ClientStates* states : {&states_, &unconfirmed_}) {
    std::erase_if(*states, [this](const auto& client) {
      return !work_->IsHome(client.first);
    });
  }
  return coordinator_->EndReplay();
}

absl::StatusOr<round::EndRun> Simulation::Run(Intermission& intermission) {
  bool is_between_rounds = true;
  while (!coordinator_->end()) {
    if (is_between_rounds && coordinator_->HoldsNoUpdate()) {
      const Intermission::Wish wish = intermission.Ask();
      if (wish != Intermission::Wish::kGoOn) {
        if (auto saved = intermission.Save(*this); !saved.ok()) return saved;
      }
      if (wish == Intermission::Wish::kSaveAndStop) {
        coordinator_->Stop(time_.now());
        break;
      }
    }
    const std::pair before = making_;
    if (auto advanced = Advance(); !advanced.ok()) return advanced;
    is_between_rounds = making_ != before;
  }
  return *coordinator_->end();
}

// Not when the round is committed: the client whose update was the last has not
// heard of it then, and saved nothing.
absl::Status Simulation::JudgeByClients() {
  const int released = coordinator_->state().round - 1;
  if (std::exchange(released_, released) == released) return absl::OkStatus();
  if (!ClientsJudge(plan_, released)) return absl::OkStatus();
  const round::Metrics metrics = ClientMetrics();
  if (work_->status().ok()) observer_.OnClientEvaluation(released, metrics);
  return work_->status();
}

round::Metrics Simulation::ClientMetrics() {
  if (journal_.IsReplaying()) return journal_.RecallClientMetrics();
  const auto judged = client_evaluation_.Judge(model(), states_, *work_);
  // As with the evaluator, a model that nobody can judge has no metrics.
  round::Metrics metrics = judged.ok() ? judged->metrics : round::Metrics();
  journal_.NoteClientMetrics(metrics);
  return metrics;
}

absl::StatusOr<round::EndRun> Simulation::Run() {
  Uninterrupted uninterrupted;
  return Run(uninterrupted);
}

absl::Status Simulation::Advance() {
  const round::State& state = coordinator_->state();
  if (!time_.RunNext()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "round ", state.round,
        ": every client is done or gone and the round cannot go on"));
  }
  for (const absl::Status& shared : {work_->status(), coordinator_->status()}) {
    if (!shared.ok()) return shared;
  }
  if (auto judged = JudgeByClients(); !judged.ok()) return judged;
  population_->Invite();
  if (std::exchange(making_, {state.round, state.attempt}) !=
      std::pair(state.round, state.attempt)) {
    since_ = time_.now();
  } else if (time_.now() - since_ > kLongestStandstill) {
    return absl::FailedPreconditionError(
        absl::StrCat("round ", state.round,
                     ": for 60 days too few clients were available at the "
                     "same time; see simulation.availability"));
  }
  return absl::OkStatus();
}

std::vector<Effort> Simulation::TakeEfforts() {
  return population_->TakeEfforts();
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
