// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/asynchronous_engine.h"

#include <algorithm>
#include <cmath>

#include "coordinator/round/derivation.h"
#include "coordinator/round/pace.h"
#include "coordinator/round/releasing.h"
#include "coordinator/round/staleness.h"

namespace tributary::round {
namespace {

// What is wrong with a good task's contribution, if anything. Its task is not
// too stale: such are cancelled when the model is released.
Refusal FaultOf(const Contribution& contribution, const ModelId& model) {
  if (contribution.base_model != model) return Refusal::kStaleModel;
  if (contribution.weight == 0) return Refusal::kBadWeight;
  if (!std::isfinite(contribution.train_loss)) return Refusal::kNotFinite;
  return Refusal::kNone;
}

}  // namespace

AsynchronousEngine::AsynchronousEngine(const Options& options, const Key& key,
                                       const ModelId& first_model)
    : RunEngine(options, key, first_model) {}

AsynchronousEngine::AsynchronousEngine(const Options& options, const Key& key,
                                       State state)
    : RunEngine(options, key, std::move(state)) {
  for (const auto& [client, task] : state_.open_tasks) {
    if (!task.arrived) training_.emplace(task.deadline, client);
  }
}

std::vector<Effect> AsynchronousEngine::Step(const Event& event, Instant now) {
  SetTime(now);
  ApplyTime();
  std::visit([this](const auto& happened) { Handle(happened); }, event);
  // A restart may put deadlines back that have passed.
  ApplyTime();
  return TakeEffects(NextDeadline());
}

void AsynchronousEngine::ApplyTime() {
  while (!training_.empty() && training_.begin()->first <= state_.now) {
    const ClientId client = training_.begin()->second;
    CancelTask(client, Refusal::kTooLate);
  }
  ExpireEvaluations();
}

std::optional<Instant> AsynchronousEngine::NextDeadline() const {
  if (training_.empty()) return std::nullopt;
  return training_.begin()->first;
}

// ---- who trains ----

void AsynchronousEngine::Handle(const CheckIn& event) {
  // The runner turns the clients of an ended run to other runs.
  if (InPhase<Ended>() != nullptr) return;
  if (event.role == Role::kEvaluator) {
    EvaluatorChecksIn(event.client);
  } else if (event.role == Role::kAggregator) {
    Emit(PaceWindow(key_, event.client, state_.now, Horizon()));
  } else {
    TrainerChecksIn(event.client);
  }
}

void AsynchronousEngine::TrainerChecksIn(const ClientId& client) {
  const auto open = state_.open_tasks.find(client);
  // One whose update is kept for the next model announces it once more.
  if (open != state_.open_tasks.end() && open->second.deadline > state_.now) {
    return EmitOffer(client, open->second);
  }
  if (IsInBuffer(client)) {
    return Emit(PaceWindow(key_, client, state_.now, UntilNextModel()));
  }
  if (open != state_.open_tasks.end() || Room() == 0 || MustRest(client)) {
    return Emit(PaceWindow(key_, client, state_.now, Horizon()));
  }
  if (InPhase<Selecting>() != nullptr) BecomeBuffering();
  Offer(client);
}

// Nobody is in a model twice.
bool AsynchronousEngine::IsInBuffer(const ClientId& client) const {
  const Cohort* cohort = CohortOf(state_.phase);
  return cohort != nullptr && cohort->contains(client);
}

// If it takes as long as the last one did. Never the time that a task takes,
// which those in the buffer would wait for a model that waits for them.
Duration AsynchronousEngine::UntilNextModel() const {
  const auto* buffering = InPhase<Buffering>();
  if (buffering == nullptr) return Duration{};
  const Duration taken = state_.now - buffering->opened;
  if (!state_.last_collected) return taken;
  return std::max(Duration{}, *state_.last_collected - taken);
}

// Whoever was asked last is free just when a place is. Without this rule a few
// would be asked for ever, and all others turned away.
bool AsynchronousEngine::MustRest(const ClientId& client) const {
  const auto past = state_.past_tasks.find(client);
  return past != state_.past_tasks.end() &&
         past->second.rests_until > state_.now &&
         2 * training_.size() >=
             static_cast<std::size_t>(options_.asynchronous->concurrency);
}

void AsynchronousEngine::Offer(const ClientId& client) {
  int attempt = 1;
  const auto past = state_.past_tasks.find(client);
  if (past != state_.past_tasks.end() && past->second.round == state_.round) {
    attempt = past->second.attempt + 1;
  }
  OpenTask task{.round = state_.round,
                .attempt = attempt,
                .token = TrainToken(key_, state_.round, attempt, client),
                .model = state_.model,
                .deadline = state_.now + options_.deadline,
                .arrived = std::nullopt};
  training_.emplace(task.deadline, client);
  EmitOffer(client, task);
  state_.open_tasks.emplace(client, std::move(task));
}

void AsynchronousEngine::EmitOffer(const ClientId& client,
                                   const OpenTask& task) {
  Emit(OfferTask{client,
                 Task{.kind = TaskKind::kTrain,
                      .round = task.round,
                      .attempt = task.attempt,
                      .token = task.token,
                      .model = task.model,
                      .deadline = task.deadline,
                      .seed = TaskSeed(RoundSeed(key_, task.round), client),
                      .clip_norm = 0}});
}

void AsynchronousEngine::EndTask(const ClientId& client, Refusal answer) {
  const auto open = state_.open_tasks.find(client);
  const OpenTask& task = open->second;
  training_.erase({task.deadline, client});
  state_.past_tasks[client] = PastTask{
      .round = task.round,
      .attempt = task.attempt,
      .token = task.token,
      .answer = answer,
      .rests_until = state_.now + std::min(Horizon(), kLongestHorizon)};
  state_.open_tasks.erase(open);
}

void AsynchronousEngine::CancelTask(const ClientId& client, Refusal reason) {
  Emit(round::CancelTask{client, state_.open_tasks.at(client).token, reason});
  EndTask(client, reason);
}

void AsynchronousEngine::CancelTasks(Refusal reason) {
  while (!state_.open_tasks.empty()) {
    const ClientId client = state_.open_tasks.begin()->first;
    CancelTask(client, reason);
  }
}

void AsynchronousEngine::ForgetPastTasks() {
  std::erase_if(state_.past_tasks, [this](const auto& past) {
    return past.second.rests_until <= state_.now;
  });
}

std::size_t AsynchronousEngine::Room() const {
  const bool is_last = state_.round >= options_.rounds;
  const bool is_open = InPhase<Selecting>() != nullptr ||
                       InPhase<Buffering>() != nullptr ||
                       (InPhase<Released>() != nullptr && !is_last);
  if (!is_open) return 0;
  const auto places =
      static_cast<std::size_t>(options_.asynchronous->concurrency);
  return places - std::min(places, training_.size());
}

Duration AsynchronousEngine::Horizon() const {
  if (InPhase<Finishing>() != nullptr) return options_.evaluation_deadline;
  // No model is released yet: it takes as long again as it has taken.
  Duration horizon{};
  if (state_.last_collected) {
    horizon = *state_.last_collected * options_.asynchronous->concurrency /
              options_.cohort_size;
  } else if (const auto* buffering = InPhase<Buffering>()) {
    horizon = state_.now - buffering->opened;
  }
  return std::min(horizon, options_.deadline);
}

void AsynchronousEngine::Handle(const Left& event) {
  state_.evaluators.erase(event.client);
}

void AsynchronousEngine::Handle(const TaskFailed& event) {
  if (IsEvaluation(event.client, event.token)) return EvaluationIsOver();
  const auto open = state_.open_tasks.find(event.client);
  if (open == state_.open_tasks.end() || open->second.token != event.token ||
      open->second.arrived) {
    return;
  }
  EndTask(event.client, Refusal::kUnknownTask);
}

void AsynchronousEngine::Handle(const ClientRevoked& event) {
  state_.evaluators.erase(event.client);
  if (state_.open_tasks.contains(event.client)) {
    CancelTask(event.client, Refusal::kRevoked);
  }
  RevokeEvaluation(event.client);
}

// Updates that were kept for the next model are gone with the process, or are
// nobody's: their clients were told nothing, and send them again.
void AsynchronousEngine::Handle(const Restarted&) {
  state_.evaluators.clear();
  for (auto& [client, task] : state_.open_tasks) {
    if (!task.arrived) continue;
    task.arrived.reset();
    training_.emplace(task.deadline, client);
  }
}

// ---- what counts ----

void AsynchronousEngine::Handle(const UpdateAnnounced& event) {
  const OpenTask* task =
      Admit(event.client, event.token, event.contribution, Refusal::kNone);
  if (task != nullptr) Emit(GrantUpload{event.client, event.token});
}

void AsynchronousEngine::Handle(const UpdateArrived& event) {
  OpenTask* task =
      Admit(event.client, event.token, event.contribution, event.defect);
  if (task == nullptr) return;
  task->arrived = event.contribution;
  training_.erase({task->deadline, event.client});
  if (InPhase<Buffering>() != nullptr) Count(event.client);
}

// The task whose update may count; null once anything else was answered.
OpenTask* AsynchronousEngine::Admit(const ClientId& client,
                                    const TaskToken& token,
                                    const Contribution& contribution,
                                    Refusal defect) {
  const auto open = state_.open_tasks.find(client);
  if (open == state_.open_tasks.end() || open->second.token != token) {
    AnswerPast(client, token, contribution, defect);
    return nullptr;
  }
  OpenTask& task = open->second;
  if (task.arrived) {
    // The answer comes with the model that is being made.
    if (task.arrived != contribution || defect != Refusal::kNone) {
      EmitRefusal(client, token, Refusal::kDuplicate);
    }
    return nullptr;
  }
  const Refusal fault =
      defect == Refusal::kNone ? FaultOf(contribution, task.model) : defect;
  if (fault == Refusal::kNone) return &task;
  EmitRefusal(client, token, fault);
  EndTask(client, fault);
  return nullptr;
}

void AsynchronousEngine::AnswerPast(const ClientId& client,
                                    const TaskToken& token,
                                    const Contribution& contribution,
                                    Refusal defect) {
  if (const Cohort* cohort = CohortOf(state_.phase)) {
    const auto found = cohort->find(client);
    if (found != cohort->end() && found->second.token == token) {
      Contribution counted = found->second.contribution;
      counted.weight = found->second.declared_weight;
      if (contribution == counted && defect == Refusal::kNone) {
        return Emit(AcknowledgeAgain{client, token});
      }
      return EmitRefusal(client, token, Refusal::kDuplicate);
    }
  }
  const auto counted = state_.counted.find(client);
  if (counted != state_.counted.end() && counted->second == token) {
    return Emit(AcknowledgeAgain{client, token});
  }
  const auto past = state_.past_tasks.find(client);
  if (past == state_.past_tasks.end() || past->second.token != token) {
    return EmitRefusal(client, token, WhyUnknown(client, token));
  }
  if (past->second.answer == Refusal::kNone) {
    return Emit(AcknowledgeAgain{client, token});
  }
  EmitRefusal(client, token, past->second.answer);
}

Refusal AsynchronousEngine::WhyUnknown(const ClientId& client,
                                       const TaskToken& token) const {
  if (InPhase<Ended>() != nullptr) return Refusal::kRunEnded;
  if (WasAskedBefore(client, token)) return Refusal::kTooLate;
  if (IsEvaluation(client, token)) return Refusal::kWrongRole;
  return Refusal::kUnknownTask;
}

// As with synchronous rounds: a token that fits was given, and how far back
// this looks bounds what a stream of nonsense can cost.
bool AsynchronousEngine::WasAskedBefore(const ClientId& client,
                                        const TaskToken& token) const {
  const auto open = state_.open_tasks.find(client);
  if (open != state_.open_tasks.end() && open->second.token == token) {
    return true;
  }
  constexpr int kMostRounds = 64;
  constexpr int kAttempts = 2;
  const int rounds =
      std::min(options_.asynchronous->max_staleness + 1, kMostRounds);
  for (int round = state_.round; round > state_.round - rounds; --round) {
    if (round < 1) break;
    for (int attempt = 1; attempt <= kAttempts; ++attempt) {
      if (TrainToken(key_, round, attempt, client) == token) return true;
    }
  }
  return false;
}

// The last one that is wanted makes the model.
void AsynchronousEngine::Count(const ClientId& client) {
  const OpenTask task = state_.open_tasks.at(client);
  Participant counted{.state = Participation::kAccepted,
                      .token = task.token,
                      .contribution = *task.arrived,
                      .declared_weight = task.arrived->weight,
                      .refusal = Refusal::kNone,
                      .staleness = Staleness(task)};
  counted.contribution.weight = StalenessWeight(
      counted.staleness, options_.asynchronous->staleness_exponent,
      options_.max_weight);
  EndTask(client, Refusal::kNone);
  Emit(AcceptUpdate{client, task.token, counted.contribution.weight});
  Buffering& buffering = *InPhase<Buffering>();
  buffering.cohort.emplace(client, std::move(counted));
  if (buffering.cohort.size() ==
      static_cast<std::size_t>(options_.cohort_size)) {
    BecomeReleased();
  }
}

// Those that came while the last model was made, up to the next one.
void AsynchronousEngine::CountArrived() {
  std::vector<ClientId> arrived;
  for (const auto& [client, task] : state_.open_tasks) {
    if (task.arrived) arrived.push_back(client);
  }
  for (const ClientId& client : arrived) {
    if (InPhase<Buffering>() == nullptr) return;
    Count(client);
  }
}

void AsynchronousEngine::BecomeReleased() {
  // Nothing that anybody still does can count.
  if (state_.round >= options_.rounds) CancelTasks(Refusal::kTooLate);
  Buffering& full = *InPhase<Buffering>();
  state_.last_collected = state_.now - full.opened;
  state_.phase = Released{full.opened, std::move(full.cohort)};
  Emit(ReleaseOf(state_, options_));
}

void AsynchronousEngine::Handle(const ModelReleased& event) {
  auto* released = InPhase<Released>();
  if (released == nullptr || event.round != state_.round) return;
  Emit(CommitRound{state_.round, event.model, event.aggregates});
  state_.counted.clear();
  for (const auto& [client, participant] : released->cohort) {
    state_.counted.emplace(client, participant.token);
  }
  const int made = state_.round;
  state_.model = event.model;
  state_.round = made + 1;
  ForgetPastTasks();
  ScheduleEvaluation(made, event.model);
  if (HasNextRound()) {
    BecomeBuffering();
  } else if (state_.evaluation) {
    BecomeFinishing();
  } else {
    EndAfterLastRound();
  }
}

void AsynchronousEngine::BecomeBuffering() {
  state_.phase = Buffering{.opened = state_.now, .cohort = {}};
  Emit(OpenRound{state_.round, state_.attempt, state_.model});
  // No update of theirs would be taken any more.
  std::vector<ClientId> stale;
  for (const auto& [client, task] : state_.open_tasks) {
    if (Staleness(task) > options_.asynchronous->max_staleness) {
      stale.push_back(client);
    }
  }
  for (const ClientId& client : stale) CancelTask(client, Refusal::kStaleModel);
  CountArrived();
}

}  // namespace tributary::round
