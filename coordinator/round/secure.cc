// SPDX-License-Identifier: Apache-2.0
// The steps of a round's secure session: when each is closed, and who is left.
// The session itself is the runner's (docs/secagg.md); here are its deadlines
// and what its outcomes mean to the round.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {
namespace {

// For whoever a step could do without: a slow link is heard, and a client that
// is gone does not hold up all others for the whole step.
constexpr int kLastCallParts = 10;

SecureStep After(SecureStep step) {
  return static_cast<SecureStep>(static_cast<int>(step) + 1);
}

}  // namespace

// Once for each step of an attempt: nothing else is done in it until the answer
// is there.
void SynchronousEngine::CloseStep() {
  SecureStep step = SecureStep::kMasking;
  if (auto* keying = InPhase<Keying>()) {
    keying->is_closing = true;
    step = keying->step;
  } else if (auto* unmasking = InPhase<Unmasking>()) {
    unmasking->is_closing = true;
    step = unmasking->step;
  } else if (auto* collecting = InPhase<Collecting>()) {
    collecting->is_closing = true;
  }
  Emit(CloseSecureStep{state_.round, state_.attempt, step});
}

void SynchronousEngine::Handle(const SecureAnswered& event) {
  const Cohort* cohort = CurrentCohort();
  if (cohort == nullptr) return;
  const auto found = cohort->find(event.client);
  if (found == cohort->end() || found->second.token != event.token) return;
  if (auto* keying = InPhase<Keying>()) {
    if (event.step == keying->step) keying->awaited.erase(event.client);
  } else if (auto* unmasking = InPhase<Unmasking>()) {
    if (event.step != unmasking->step) return;
    unmasking->awaited.erase(event.client);
    if (event.is_enough) {
      unmasking->deadline = std::min(
          unmasking->deadline,
          state_.now + options_.secure->step_deadline / kLastCallParts);
    }
    // The last answer: the client is free.
    if (event.step == SecureStep::kUnmasking) {
      unmasking->members.erase(event.client);
    }
  }
  CloseIfSettled();
}

void SynchronousEngine::Handle(const SecureStepClosed& event) {
  if (event.round != state_.round || event.attempt != state_.attempt) return;
  const Clients remaining(event.remaining.begin(), event.remaining.end());
  if (auto* keying = InPhase<Keying>()) {
    if (keying->is_closing && keying->step == event.step) {
      KeyingClosed(*keying, remaining);
    }
  } else if (auto* collecting = InPhase<Collecting>()) {
    if (collecting->is_closing && event.step == SecureStep::kMasking) {
      MaskingClosed(*collecting, remaining);
    }
  } else if (auto* unmasking = InPhase<Unmasking>()) {
    if (unmasking->is_closing && unmasking->step == event.step) {
      UnmaskingClosed(*unmasking, remaining);
    }
  }
}

void SynchronousEngine::KeyingClosed(Keying& keying, const Clients& remaining) {
  Clients left;
  for (auto& [client, participant] : keying.cohort) {
    if (participant.state != Participation::kAsked) continue;
    if (remaining.contains(client)) {
      left.insert(client);
      continue;
    }
    Emit(CancelTask{client, participant.token, Refusal::kTooLate});
    Drop(client, participant, Participation::kFailed, Refusal::kTooLate);
  }
  if (keying.step == SecureStep::kAdvertising) {
    keying.members = static_cast<int>(
        std::ranges::count_if(remaining, [&](const ClientId& client) {
          return keying.cohort.contains(client);
        }));
  }
  if (static_cast<int>(left.size()) < options_.min_updates) {
    AbandonAttempt(
        Refusal::kAbandoned,
        absl::StrCat(left.size(), " of at least ", options_.min_updates,
                     " clients are left after ",
                     std::string(Name(keying.step))));
    return;
  }
  if (keying.step == SecureStep::kSharing) {
    BecomeCollecting(Collecting{.opened = keying.opened,
                                .deadline = RoundDeadline(),
                                .cohort = std::move(keying.cohort),
                                .accepted = 0,
                                .outstanding = static_cast<int>(left.size()),
                                .members = keying.members});
    return;
  }
  BecomeKeying(Keying{.opened = keying.opened,
                      .step = After(keying.step),
                      .deadline = std::min(StepDeadline(), RoundDeadline()),
                      .cohort = std::move(keying.cohort),
                      .awaited = std::move(left),
                      .members = keying.members});
}

void SynchronousEngine::MaskingClosed(Collecting& collecting,
                                      const Clients& remaining) {
  Clients counted;
  for (const auto& [client, participant] : collecting.cohort) {
    if (participant.state == Participation::kAccepted) counted.insert(client);
  }
  // Masks of other clients than these do not fit the sum.
  if (counted != remaining) {
    AbandonAttempt(Refusal::kAbandoned,
                   absl::StrCat("the secure session has ", remaining.size(),
                                " updates, other than the ", counted.size(),
                                " that were accepted"));
    return;
  }
  for (auto& [client, participant] : collecting.cohort) {
    if (participant.state != Participation::kAsked) continue;
    Emit(CancelTask{client, participant.token, Refusal::kTooLate});
    Drop(client, participant, Participation::kFailed, Refusal::kTooLate);
  }
  StandBack();
  for (const ClientId& client : collecting.gone) counted.erase(client);
  BecomeUnmasking(Unmasking{.opened = collecting.opened,
                            .step = SecureStep::kAgreeing,
                            .deadline = StepDeadline(),
                            .cohort = std::move(collecting.cohort),
                            .members = counted,
                            .awaited = counted});
}

void SynchronousEngine::UnmaskingClosed(Unmasking& unmasking,
                                        const Clients& remaining) {
  const bool is_last = unmasking.step == SecureStep::kUnmasking;
  Clients left;
  for (const ClientId& client : unmasking.members) {
    if (!is_last && remaining.contains(client)) {
      left.insert(client);
      continue;
    }
    Emit(CancelTask{client, unmasking.cohort.at(client).token,
                    Refusal::kTooLate});
  }
  if (is_last) {
    BecomeReleased(unmasking.opened, std::move(unmasking.cohort));
    return;
  }
  BecomeUnmasking(Unmasking{.opened = unmasking.opened,
                            .step = SecureStep::kUnmasking,
                            .deadline = StepDeadline(),
                            .cohort = std::move(unmasking.cohort),
                            .members = left,
                            .awaited = left});
}

void SynchronousEngine::Handle(const SecureAbandoned& event) {
  if (!options_.secure || CurrentCohort() == nullptr) return;
  if (event.round != state_.round || event.attempt != state_.attempt) return;
  AbandonAttempt(Refusal::kAbandoned,
                 absl::StrCat("the secure session came to nothing with ",
                              event.count, " clients left: ", event.reason));
}

// Its keys were in memory alone, and nobody answers a second session for the
// same masks.
void SynchronousEngine::LoseSession() {
  if (!options_.secure || CurrentCohort() == nullptr) return;
  AbandonAttempt(Refusal::kAbandoned,
                 absl::StrCat("the coordinator restarted: ", Accepted(),
                              " masked updates cannot be unmasked"));
}

void SynchronousEngine::BecomeKeying(Keying step) {
  state_.phase = std::move(step);
}

void SynchronousEngine::BecomeUnmasking(Unmasking step) {
  state_.phase = std::move(step);
  // Everybody may be gone already.
  CloseIfSettled();
}

}  // namespace tributary::round
