// SPDX-License-Identifier: Apache-2.0
// The cohort's updates: what counts, what is refused, when the round closes.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/engine.h"

namespace tributary::round {
namespace {

// What is wrong with a good task's contribution, if anything.
Refusal Fault(const Contribution& contribution, const ModelId& model,
              Refusal defect) {
  if (defect != Refusal::kNone) return defect;
  if (contribution.base_model != model) return Refusal::kStaleModel;
  if (contribution.weight == 0) return Refusal::kBadWeight;
  if (!std::isfinite(contribution.train_loss)) return Refusal::kNotFinite;
  return Refusal::kNone;
}

}  // namespace

Task Engine::TrainTask(const ClientId& client,
                       const Collecting& collecting) const {
  return Task{.kind = TaskKind::kTrain,
              .round = state_.round,
              .attempt = state_.attempt,
              .token = collecting.cohort.at(client).token,
              .model = state_.model,
              .deadline = collecting.deadline,
              .seed = TaskSeed(key_, state_.round, client)};
}

Cohort* Engine::CurrentCohort() {
  if (auto* collecting = InPhase<Collecting>()) return &collecting->cohort;
  if (auto* released = InPhase<Released>()) return &released->cohort;
  return nullptr;
}

void Engine::Handle(const UpdateAnnounced& event) {
  const Claim claim{event.client, event.token, event.contribution,
                    Refusal::kNone};
  if (Admit(claim) != nullptr) Emit(GrantUpload{event.client, event.token});
}

void Engine::Handle(const UpdateArrived& event) {
  const Claim claim{event.client, event.token, event.contribution,
                    event.defect};
  Participant* participant = Admit(claim);
  if (participant == nullptr) return;
  participant->state = Participation::kAccepted;
  participant->contribution = event.contribution;
  participant->declared_weight = event.contribution.weight;
  participant->contribution.weight =
      std::min(event.contribution.weight, options_.max_weight);
  Emit(AcceptUpdate{event.client, event.token,
                    participant->contribution.weight});
  auto* collecting = InPhase<Collecting>();
  ++collecting->accepted;
  --collecting->outstanding;
  CloseIfSettled();
}

// The participant whose update may count now; null once anything else was
// answered.
Participant* Engine::Admit(const Claim& claim) {
  const auto& [client, token, contribution, defect] = claim;
  Cohort* cohort = CurrentCohort();
  const auto found =
      cohort == nullptr ? Cohort::iterator{} : cohort->find(client);
  if (cohort == nullptr || found == cohort->end() ||
      found->second.token != token) {
    const auto counted = state_.counted.find(client);
    if (counted != state_.counted.end() && counted->second == token) {
      Emit(AcknowledgeAgain{client, token});
    } else {
      EmitRefusal(client, token, WhyUnknown(client, token));
    }
    return nullptr;
  }

  Participant& participant = found->second;
  switch (participant.state) {
    case Participation::kAccepted: {
      Contribution counted = participant.contribution;
      counted.weight = participant.declared_weight;
      if (contribution == counted && defect == Refusal::kNone) {
        Emit(AcknowledgeAgain{client, token});
      } else {
        EmitRefusal(client, token, Refusal::kDuplicate);
      }
      return nullptr;
    }
    case Participation::kRefused:
    case Participation::kFailed:
      EmitRefusal(client, token, participant.refusal);
      return nullptr;
    case Participation::kAsked:
      break;
  }
  if (InPhase<Released>() != nullptr) {
    EmitRefusal(client, token, Refusal::kTooLate);
    return nullptr;
  }
  const Refusal fault = Fault(contribution, state_.model, defect);
  if (fault != Refusal::kNone) {
    EmitRefusal(client, token, fault);
    Drop(participant, Participation::kRefused, fault);
    CloseIfSettled();
    return nullptr;
  }
  return &participant;
}

Refusal Engine::WhyUnknown(const ClientId& client,
                           const TaskToken& token) const {
  if (std::holds_alternative<Ended>(state_.phase)) return Refusal::kRunEnded;
  if (WasAskedBefore(client, token)) return Refusal::kTooLate;
  if (state_.evaluation && state_.evaluation->evaluator == client &&
      state_.evaluation->token == token) {
    return Refusal::kWrongRole;
  }
  const Cohort* cohort = nullptr;
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    cohort = &collecting->cohort;
  } else if (const auto* released = std::get_if<Released>(&state_.phase)) {
    cohort = &released->cohort;
  }
  return cohort != nullptr && !cohort->contains(client) ? Refusal::kNotInCohort
                                                        : Refusal::kUnknownTask;
}

// A token cannot be guessed, so one that derives from an earlier task was given
// to this client: no list of past tasks is kept. How far back this looks bounds
// what a stream of nonsense can cost.
bool Engine::WasAskedBefore(const ClientId& client,
                            const TaskToken& token) const {
  constexpr int kRounds = 4;
  constexpr int kAttempts = 4;
  for (int round = state_.round; round > state_.round - kRounds; --round) {
    if (round < 1) break;
    const int last = round == state_.round ? state_.attempt : kAttempts;
    for (int attempt = last; attempt > last - kAttempts; --attempt) {
      if (attempt < 1) break;
      if (TrainToken(key_, round, attempt, client) == token) return true;
    }
  }
  return false;
}

void Engine::Handle(const TaskFailed& event) {
  if (state_.evaluation && state_.evaluation->evaluator == event.client &&
      state_.evaluation->token == event.token) {
    EvaluationIsOver();
    return;
  }
  auto* collecting = InPhase<Collecting>();
  if (collecting == nullptr) return;
  const auto found = collecting->cohort.find(event.client);
  if (found == collecting->cohort.end() || found->second.token != event.token ||
      found->second.state != Participation::kAsked) {
    return;
  }
  Drop(found->second, Participation::kFailed, Refusal::kUnknownTask);
  CloseIfSettled();
}

void Engine::Drop(Participant& participant, Participation state,
                  Refusal refusal) {
  participant.state = state;
  participant.refusal = refusal;
  if (auto* collecting = InPhase<Collecting>()) --collecting->outstanding;
}

void Engine::CloseIfSettled() {
  const auto* collecting = InPhase<Collecting>();
  if (collecting == nullptr) return;
  if (collecting->accepted >= options_.cohort_size ||
      collecting->outstanding == 0) {
    CloseCollecting("with nobody left to wait for");
  }
}

void Engine::CloseCollecting(const std::string& when) {
  Collecting closed = std::move(*InPhase<Collecting>());
  for (const auto& [client, participant] : closed.cohort) {
    if (participant.state != Participation::kAsked) continue;
    Emit(CancelTask{client, participant.token, Refusal::kTooLate});
  }
  state_.served.clear();
  for (const auto& [client, participant] : closed.cohort) {
    state_.served.insert(client);
  }
  if (closed.accepted >= options_.min_updates) {
    BecomeReleased(std::move(closed));
  } else {
    std::string reason = absl::StrCat(closed.accepted, " of at least ",
                                      options_.min_updates, " updates ", when);
    BecomeAbandoned(closed.accepted, std::move(reason));
  }
}

void Engine::BecomeReleased(Collecting closed) {
  ReleaseRound release{.round = state_.round,
                       .attempt = state_.attempt,
                       .contributors = {},
                       .total_weight = 0,
                       .train_loss = 0};
  for (const auto& [client, participant] : closed.cohort) {
    if (participant.state != Participation::kAccepted) continue;
    release.contributors.push_back(client);
    release.total_weight += participant.contribution.weight;
  }
  // Shares, not sums: no finite losses can overflow the mean.
  for (const ClientId& client : release.contributors) {
    const Contribution& counted = closed.cohort.at(client).contribution;
    release.train_loss += counted.weight /
                          static_cast<double>(release.total_weight) *
                          counted.train_loss;
  }
  state_.last_collected = state_.now - closed.opened;
  Emit(std::move(release));
  state_.phase = Released{closed.opened, std::move(closed.cohort)};
}

void Engine::BecomeAbandoned(int accepted, std::string reason) {
  constexpr int kMostDoublings = 6;  // 64-fold
  Emit(AbandonRound{state_.round, state_.attempt, accepted, reason});
  const int doublings = std::min(state_.attempt - 1, kMostDoublings);
  state_.phase = Abandoned{state_.now + options_.retry_backoff *
                                            (std::int64_t{1} << doublings)};
  if (state_.attempt >= options_.max_attempts) {
    BecomeEnded(
        RunEnd::kFailed,
        absl::StrCat("round ", state_.round, " was abandoned ", state_.attempt,
                     " times, the last time with ", reason));
  }
}

void Engine::Handle(const ModelReleased& event) {
  auto* released = InPhase<Released>();
  if (released == nullptr || event.round != state_.round) return;
  Emit(CommitRound{state_.round, event.model});
  state_.counted.clear();
  for (const auto& [client, participant] : released->cohort) {
    if (participant.state == Participation::kAccepted) {
      state_.counted.emplace(client, participant.token);
    }
  }
  const int made = state_.round;
  state_.model = event.model;
  state_.round = made + 1;
  state_.attempt = 1;
  ScheduleEvaluation(made, event.model);
  if (made < options_.rounds) {
    BecomeSelecting();
  } else if (state_.evaluation) {
    BecomeFinishing();
  } else {
    BecomeEnded(RunEnd::kFinished,
                absl::StrCat("all ", options_.rounds, " rounds are released"));
  }
}

}  // namespace tributary::round
