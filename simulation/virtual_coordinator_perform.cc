// SPDX-License-Identifier: Apache-2.0
// What the engine wants done: its effects, in memory.
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "simulation/virtual_coordinator.h"

namespace tributary::simulation {

using round::ClientId;

void VirtualCoordinator::SendSecure(const ClientId& client) {
  coordinator::SecureSession* session = Session();
  const round::Cohort* cohort = round::CohortOf(engine_.state().phase);
  if (session == nullptr || cohort == nullptr) return;
  const auto found = cohort->find(client);
  if (found == cohort->end()) return;
  for (v1::SecureServerMessage& message : session->MessagesFor(client)) {
    link_.Deliver(client, coordinator::SecureMessage(found->second.token,
                                                     std::move(message)));
  }
}

void VirtualCoordinator::Perform(const round::OfferTask& effect) {
  v1::ServerMessage message = coordinator::TaskMessage(
      frame_, effect.task, effect.task.deadline - engine_.state().now);
  // They send what they trained, whatever they are told (docs/robustness.md).
  if (effect.task.kind == round::TaskKind::kTrain && robust_ &&
      robust_->adversaries() != nullptr &&
      robust_->adversaries()->Include(effect.client)) {
    message.mutable_task()->mutable_update()->clear_momentum();
  }
  if (packed_ && effect.task.kind == round::TaskKind::kTrain) {
    status_.Update(packed_->Begin(message.task()));
  }
  link_.Deliver(effect.client, std::move(message));
  SendSecure(effect.client);
}

void VirtualCoordinator::Perform(const round::ComeBack& effect) {
  link_.Deliver(effect.client,
                coordinator::ComeBackMessage(effect.earliest, effect.latest));
}

void VirtualCoordinator::Perform(const round::GrantUpload& effect) {
  link_.Deliver(effect.client, coordinator::GrantMessage(effect.token, 0));
}

void VirtualCoordinator::Perform(const round::AcceptUpdate& effect) {
  if (coordinator::SecureSession* session = Session()) {
    TRIBUTARY_INVARIANT(session->AcceptInput(effect.client), ==, true);
  }
  if (!journal_.IsReplaying()) Add(effect);
  observer_.OnUpdate();
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Add(const round::AcceptUpdate& accepted) {
  if (packed_) {
    const auto* packed = std::get_if<std::span<const std::byte>>(&arrived_);
    if (packed != nullptr) packed_->Add(*packed);
    return;
  }
  const auto* bytes = std::get_if<std::span<const std::byte>>(&arrived_);
  if (robust_) {
    if (bytes != nullptr) robust_->Add(accepted.client, *bytes);
    return;
  }
  if (bytes != nullptr) {
    const auto loan = sums_.Borrow(sums_.attempt());
    Fold(format_, *bytes, accepted.weight, loan->sum());
  } else if (const auto* added = std::get_if<AddedUpdate*>(&arrived_)) {
    sums_.Confirm(**added);
  }
  sums_.Count(accepted.weight);
}

void VirtualCoordinator::Perform(const round::AcknowledgeAgain& effect) {
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Perform(const round::Refuse& effect) {
  link_.Deliver(effect.client,
                coordinator::RefusedMessage(effect.token, effect.reason, ""));
}

void VirtualCoordinator::Perform(const round::CancelTask& effect) {
  link_.Deliver(effect.client,
                coordinator::CancelMessage(effect.token, effect.reason));
}

void VirtualCoordinator::Perform(const round::AcceptEvaluation& effect) {
  observer_.OnEvaluation(effect.round, effect.metrics);
  link_.Deliver(effect.client, coordinator::AcceptedMessage(effect.token));
}

void VirtualCoordinator::Perform(const round::OpenRound& effect) {
  summary_ = RoundSummary{};
  summary_.round = effect.round;
  summary_.opened = engine_.state().now;
  std::vector<ClientId> asked;
  if (const auto* cohort = round::CohortOf(engine_.state().phase)) {
    for (const auto& [client, participant] : *cohort) asked.push_back(client);
  }
  summary_.asked = static_cast<int>(asked.size());
  if (packed_) {
    summary_.clip_norm = engine_.state().clip_norm;
    status_.Update(packed_->Open(summary_.clip_norm));
    packed_->Describe(frame_);
    if (engine_.options().charged == round::Charged::kAttempts) {
      status_.Update(Charge(effect.round, effect.attempt, asked));
    }
  } else if (robust_) {
    robust_->Open();
  } else {
    sums_.Open();
  }
}

void VirtualCoordinator::Perform(const round::CloseSecureStep& effect) {
  coordinator::SecureSession* session = Session();
  if (session == nullptr) return;
  const auto closed = session->Close();
  if (const auto* on =
          std::get_if<coordinator::SecureSession::Closed>(&closed)) {
    closed_.emplace_back(round::SecureStepClosed{effect.round, effect.attempt,
                                                 effect.step, on->remaining});
    return;
  }
  const auto& over = std::get<coordinator::SecureSession::Abandoned>(closed);
  closed_.emplace_back(round::SecureAbandoned{effect.round, effect.attempt,
                                              over.count, over.reason});
}

// The model is made after the effects of this step, so that they stay in order.
void VirtualCoordinator::Perform(const round::ReleaseRound& effect) {
  release_ = effect;
}

void VirtualCoordinator::Perform(const round::CommitRound& effect) {
  summary_.model = effect.model;
  summary_.committed = engine_.state().now;
  // Nobody is asked for a model: they train on beyond it.
  if (engine_.options().asynchronous) {
    summary_.asked =
        summary_.accepted + static_cast<int>(engine_.state().open_tasks.size());
  }
  if (effect.aggregates) summary_.aggregates = effect.aggregates;
  if (engine_.options().quarantine) {
    summary_.quarantined =
        static_cast<std::uint32_t>(engine_.state().quarantined.size());
  }
  summary_.efforts = link_.TakeEfforts();
  observer_.OnRound(summary_);
  ForgetOldModels();
}

void VirtualCoordinator::EndSums() {
  sums_.Abandon();
  if (packed_) packed_->Abandon();
  if (robust_) robust_->Abandon();
}

void VirtualCoordinator::Perform(const round::AbandonRound& effect) {
  EndSums();
  observer_.OnAbandoned(effect);
}

void VirtualCoordinator::Perform(const round::EndRun& effect) {
  EndSums();
  end_ = effect;
  if (effect.end == round::RunEnd::kFailed && !last_failure_.empty()) {
    absl::StrAppend(&end_->reason, "; the last client to fail was ",
                    last_failure_);
  }
}

void VirtualCoordinator::Perform(const round::WakeAt& effect) {
  link_.WakeAt(effect.when);
}

}  // namespace tributary::simulation
