// SPDX-License-Identifier: Apache-2.0
// The cohort's updates: what counts, what is refused, when the round closes.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/releasing.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {

void SynchronousEngine::Handle(const UpdateAnnounced& event) {
  const Claim claim{event.client, event.token, event.contribution,
                    Refusal::kNone, nullptr};
  if (Admit(claim) != nullptr) Emit(GrantUpload{event.client, event.token});
}

void SynchronousEngine::Handle(const UpdateArrived& event) {
  const Claim claim{event.client, event.token, event.contribution, event.defect,
                    &event.leaves};
  Participant* participant = Admit(claim);
  if (participant == nullptr || !CountLeaves(claim, *participant)) return;
  participant->state = Participation::kAccepted;
  participant->contribution = event.contribution;
  participant->declared_weight = event.contribution.weight;
  participant->leaves = event.leaves;
  if (participant->role == Role::kTrainer) {
    participant->contribution.weight =
        std::min<std::uint64_t>(event.contribution.weight, options_.max_weight);
  }
  Emit(AcceptUpdate{event.client, event.token,
                    participant->contribution.weight});
  auto* collecting = InPhase<Collecting>();
  ++collecting->accepted;
  --collecting->outstanding;
  CloseIfSettled();
}

// The participant whose update may count now; null once anything else was
// answered.
Participant* SynchronousEngine::Admit(const Claim& claim) {
  const auto& [client, token, contribution, defect, leaves] = claim;
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
    case Participation::kAccepted:
      AnswerCounted(claim, participant);
      return nullptr;
    case Participation::kRefused:
    case Participation::kFailed:
      EmitRefusal(client, token, participant.refusal);
      return nullptr;
    case Participation::kAsked:
      break;
  }
  const auto* collecting = InPhase<Collecting>();
  const bool is_early = InPhase<Keying>() != nullptr;
  if (!is_early && (collecting == nullptr || collecting->is_closing)) {
    EmitRefusal(client, token, Refusal::kTooLate);
    return nullptr;
  }
  // Another life of the aggregator may still hand up what this one cannot.
  if (IsOfEpochOver(claim)) {
    EmitRefusal(client, token, Refusal::kEpochOver);
    return nullptr;
  }
  const Refusal fault =
      is_early ? Refusal::kBadProtocol : FaultOf(claim, participant);
  if (fault != Refusal::kNone) {
    EmitRefusal(client, token, fault);
    Drop(client, participant, Participation::kRefused, fault);
    StrikeIfMisbehaved(client, fault);
    CloseIfSettled();
    return nullptr;
  }
  return &participant;
}

Refusal SynchronousEngine::FaultOf(const Claim& claim,
                                   const Participant& participant) const {
  const Contribution& contribution = claim.contribution;
  if (claim.defect != Refusal::kNone) return claim.defect;
  if (contribution.base_model != state_.model) return Refusal::kStaleModel;
  const Refusal fault = participant.role == Role::kAggregator
                            ? FaultOfSum(claim)
                            : FaultOfUpdate(claim);
  if (fault != Refusal::kNone) return fault;
  if (options_.packed && contribution.train_loss != 0) {
    return Refusal::kBadMessage;
  }
  if (!std::isfinite(contribution.train_loss)) return Refusal::kNotFinite;
  return Refusal::kNone;
}

// What a client trained by itself.
Refusal SynchronousEngine::FaultOfUpdate(const Claim& claim) const {
  const Contribution& contribution = claim.contribution;
  const bool is_sum = contribution.subtree ||
                      (claim.leaves != nullptr && claim.leaves->size() > 0);
  if (is_sum) return Refusal::kWrongRole;
  if (options_.packed && contribution.weight != 1) return Refusal::kBadMessage;
  if (contribution.weight == 0) return Refusal::kBadWeight;
  return CountsThroughAnother(claim.client) ? Refusal::kDuplicate
                                            : Refusal::kNone;
}

void SynchronousEngine::AnswerCounted(const Claim& claim,
                                      const Participant& participant) {
  Contribution counted = participant.contribution;
  counted.weight = participant.declared_weight;
  if (claim.contribution == counted && claim.defect == Refusal::kNone) {
    Emit(AcknowledgeAgain{claim.client, claim.token});
  } else if (options_.secure && claim.defect == Refusal::kBadProtocol) {
    EmitRefusal(claim.client, claim.token, Refusal::kBadProtocol);
    const bool is_news = HasTask(claim.client, participant);
    LeaveSession(claim.client);
    if (is_news) StrikeIfMisbehaved(claim.client, Refusal::kBadProtocol);
    CloseIfSettled();
  } else {
    EmitRefusal(claim.client, claim.token, Refusal::kDuplicate);
  }
}

Refusal SynchronousEngine::WhyUnknown(const ClientId& client,
                                      const TaskToken& token) const {
  if (std::holds_alternative<Ended>(state_.phase)) return Refusal::kRunEnded;
  if (WasAskedBefore(client, token)) return Refusal::kTooLate;
  if (IsEvaluation(client, token)) return Refusal::kWrongRole;
  const Cohort* cohort = CurrentCohort();
  return cohort != nullptr && !cohort->contains(client) ? Refusal::kNotInCohort
                                                        : Refusal::kUnknownTask;
}

// A token cannot be guessed, so one that derives from an earlier task was given
// to this client: no list of past tasks is kept. How far back this looks bounds
// what a stream of nonsense can cost.
bool SynchronousEngine::WasAskedBefore(const ClientId& client,
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

void SynchronousEngine::CloseIfSettled() {
  if (const auto* keying = InPhase<Keying>()) {
    if (!keying->is_closing && keying->awaited.empty()) CloseStep();
  } else if (const auto* unmasking = InPhase<Unmasking>()) {
    if (!unmasking->is_closing && unmasking->awaited.empty()) CloseStep();
  } else if (const auto* collecting = InPhase<Collecting>()) {
    if (!collecting->is_closing && IsSettled(*collecting)) {
      CloseCollecting("with nobody left to wait for");
    }
  }
}

bool SynchronousEngine::IsSettled(const Collecting& collecting) const {
  if (collecting.outstanding == 0) return true;
  if (options_.sampling != Sampling::kAny) return false;
  if (Counted(collecting) < options_.cohort_size) return false;
  if (!options_.secure) return true;
  // Whoever is left behind has vanished from the session, and it withstands
  // only so many.
  const int missing = collecting.members - collecting.accepted;
  return missing <= options_.secure->dropped * collecting.members;
}

void SynchronousEngine::CloseCollecting(const std::string& when) {
  Collecting& closed = *InPhase<Collecting>();
  const bool is_enough = Counted(closed) >= options_.min_updates;
  if (!is_enough) {
    AbandonAttempt(
        ToldOfAbandoned(),
        absl::StrCat(Counted(closed), " of at least ", options_.min_updates,
                     options_.tree ? " leaves " : " updates ", when));
  } else if (options_.secure) {
    CloseStep();
  } else {
    CancelTasks(Refusal::kTooLate);
    StandBack();
    BecomeReleased(closed.opened, std::move(closed.cohort));
  }
}

void SynchronousEngine::BecomeCollecting(Collecting collecting) {
  state_.phase = std::move(collecting);
}

void SynchronousEngine::BecomeReleased(Instant opened, Cohort cohort) {
  state_.last_collected = state_.now - opened;
  if (options_.charged == Charged::kReleases) Charge();
  state_.phase = Released{opened, std::move(cohort)};
  Emit(ReleaseOf(state_, options_));
}

void SynchronousEngine::Handle(const ModelReleased& event) {
  auto* released = InPhase<Released>();
  if (released == nullptr || event.round != state_.round) return;
  Emit(CommitRound{state_.round, event.model, event.aggregates});
  state_.counted.clear();
  for (const auto& [client, participant] : released->cohort) {
    if (participant.state == Participation::kAccepted) {
      state_.counted.emplace(client, participant.token);
    }
  }
  for (const ClientId& client : event.outliers) {
    if (state_.counted.contains(client)) Strike(client, "outlier");
  }
  state_.model = event.model;
  if (options_.parent) return BecomeResting();
  const int made = state_.round;
  if (state_.clip_norm && event.next_clip_norm) {
    state_.clip_norm = event.next_clip_norm;
  }
  state_.round = made + 1;
  state_.attempt = 1;
  EndQuarantines();
  ScheduleEvaluation(made, event.model);
  GoOn();
}

}  // namespace tributary::round
