// SPDX-License-Identifier: Apache-2.0
// What comes in: messages of clients' streams, and updates.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/encoding.h"
#include "simulation/virtual_coordinator.h"

namespace tributary::simulation {
namespace {

using round::ClientId;
using round::Refusal;
using round::TaskToken;

// A malformed message names no task: what the token was does not matter.
template <typename Message>
TaskToken TokenOf(const Message& message) {
  return coordinator::ToToken(message.task_token()).value_or(TaskToken{});
}

}  // namespace

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::ClientMessage& message,
                                 round::Instant now) {
  switch (message.kind_case()) {
    case v1::ClientMessage::kHello: {
      link_.Deliver(client, coordinator::WelcomeMessage(
                                client.name, message.hello().role()));
      return;
    }
    case v1::ClientMessage::kCheckIn: {
      const bool evaluates = client.name == kEvaluatorName;
      Step(round::CheckIn{client, evaluates ? round::Role::kEvaluator
                                            : round::Role::kTrainer},
           now);
      return;
    }
    case v1::ClientMessage::kUpdateReady:
      return Receive(client, message.update_ready().header(), now);
    case v1::ClientMessage::kSecure:
      return Receive(client, message.secure(), now);
    case v1::ClientMessage::kEvaluation: {
      const auto& metrics = message.evaluation().metrics();
      Step(round::EvaluationArrived{client,
                                    TokenOf(message.evaluation()),
                                    {metrics.begin(), metrics.end()}},
           now);
      return;
    }
    case v1::ClientMessage::kTaskFailed:
      last_failure_ =
          absl::StrCat(client.name, ": ", message.task_failed().message());
      Step(round::TaskFailed{client, TokenOf(message.task_failed())}, now);
      return;
    case v1::ClientMessage::KIND_NOT_SET:
      return;
  }
}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::UpdateHeader& announced,
                                 round::Instant now) {
  const auto contribution = coordinator::ToContribution(announced);
  const TaskToken token = TokenOf(announced);
  Refusal defect = Refusal::kNone;
  if (!contribution) {
    defect = Refusal::kBadMessage;
  } else if (announced.encoding() != plan_.update().encoding()) {
    defect = Refusal::kBadEncoding;
  } else if (!IsSize(announced.size())) {
    defect = Refusal::kWrongSize;
  }
  if (defect == Refusal::kNone) {
    Step(round::UpdateAnnounced{client, token, *contribution}, now);
  } else {
    Step(round::UpdateArrived{client, token,
                              contribution.value_or(round::Contribution{}),
                              defect},
         now);
  }
}

void VirtualCoordinator::Receive(const ClientId& client,
                                 const v1::SecureClientMessage& message,
                                 round::Instant now) {
  const TaskToken token = TokenOf(message);
  coordinator::SecureSession* session = Session();
  // Of an attempt that is over: whoever sent it has been told, or will be.
  if (session == nullptr || !IsOpenTask(client, token)) return;
  const round::SecureStep step = session->step();
  const auto answer = session->Receive(client, message);
  switch (answer.refusal) {
    case Refusal::kNone:
      if (message.has_masked_input()) return;
      return Step(round::SecureAnswered{client, token, step, answer.is_enough},
                  now);
    case Refusal::kDuplicate:
    case Refusal::kTooLate:
      return;
    default:
      last_failure_ = absl::StrCat(client.name, ": ", answer.detail);
      return Step(round::UpdateArrived{client, token, round::Contribution{},
                                       answer.refusal},
                  now);
  }
}

bool VirtualCoordinator::IsOpenTask(const ClientId& client,
                                    const TaskToken& token) const {
  const round::Cohort* cohort = round::CohortOf(engine_.state().phase);
  if (cohort == nullptr) return false;
  const auto found = cohort->find(client);
  return found != cohort->end() && found->second.token == token;
}

bool VirtualCoordinator::IsSize(std::uint64_t size) const {
  if (packed_) return size == packed_->update_bytes();
  const auto sizes =
      aggregation::EncodedSize(format_.encoding, format_.layout.length);
  return size >= sizes.min && size <= sizes.max;
}

void VirtualCoordinator::Leave(const ClientId& client, round::Instant now) {
  Step(round::Left{client}, now);
}

void VirtualCoordinator::ReceiveUpdate(const ClientId& client,
                                       const ReceivedUpdate& update,
                                       round::Instant now) {
  const v1::UpdateHeader& header = update.header;
  Refusal defect =
      journal_.IsReplaying() ? journal_.RecallDefect() : update.defect;
  if (!journal_.IsReplaying()) journal_.NoteDefect(defect);
  coordinator::SecureSession* session = Session();
  if (session != nullptr && !session->ExpectsInput(client)) {
    defect = Refusal::kBadProtocol;
  }
  if (defect != Refusal::kNone) {
    last_failure_ = absl::StrCat(client.name, ": its update was refused, ",
                                 std::string(round::Name(defect)));
  }
  arrived_ = update.floats;
  Step(
      round::UpdateArrived{
          client,
          coordinator::ToToken(header.task_token()).value_or(TaskToken{}),
          coordinator::ToContribution(header).value_or(round::Contribution{}),
          defect},
      now);
  arrived_ = {};
}

void VirtualCoordinator::Tick(round::Instant now) { Step(round::Tick{}, now); }

void VirtualCoordinator::Stop(round::Instant now) {
  Step(round::StopRequested{}, now);
}

}  // namespace tributary::simulation
