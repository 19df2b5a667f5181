// SPDX-License-Identifier: Apache-2.0
#include "coordinator/secure/secure_session.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/codec/secagg.h"

namespace tributary::coordinator {
namespace {

using round::ClientId;
using round::Refusal;
using round::SecureStep;

// In which a client sends it.
std::optional<SecureStep> StepOf(const v1::SecureClientMessage& message) {
  switch (message.kind_case()) {
    case v1::SecureClientMessage::kAdvertisement:
      return SecureStep::kAdvertising;
    case v1::SecureClientMessage::kOpening:
      return SecureStep::kOpening;
    case v1::SecureClientMessage::kKeyShares:
      return SecureStep::kSharing;
    case v1::SecureClientMessage::kMaskedInput:
      return SecureStep::kMasking;
    case v1::SecureClientMessage::kAgreement:
      return SecureStep::kAgreeing;
    case v1::SecureClientMessage::kUnmasking:
      return SecureStep::kUnmasking;
    case v1::SecureClientMessage::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

SecureStep Next(SecureStep step) {
  return static_cast<SecureStep>(static_cast<int>(step) + 1);
}

SecureSession::Answer Broken(std::string detail) {
  return {Refusal::kBadProtocol, std::move(detail)};
}

SecureSession::Answer ToAnswer(secagg::Refusal refusal) {
  if (refusal == secagg::Refusal::kNone) return {};
  return Broken(std::string(secagg::Name(refusal)));
}

// `take` gets the message in the protocol's words.
template <typename Message, typename Taker>
SecureSession::Answer Decoded(const absl::StatusOr<Message>& message,
                              Taker take) {
  if (!message.ok()) return Broken(std::string(message.status().message()));
  return ToAnswer(take(*message));
}

}  // namespace

absl::StatusOr<SecureSession> SecureSession::Make(
    const secagg::Terms& terms, const secagg::Authority& authority) {
  absl::StatusOr<secagg::Server> server =
      secagg::Server::Make(terms, authority);
  if (!server.ok()) return server.status();
  return SecureSession(*std::move(server));
}

SecureSession::Answer SecureSession::Receive(
    const ClientId& client, const v1::SecureClientMessage& message) {
  const std::optional<SecureStep> step = StepOf(message);
  if (!step) return Broken("an empty message");
  if (is_over_ || *step < step_) {
    return {
        remaining_.contains(client) ? Refusal::kDuplicate : Refusal::kTooLate,
        absl::StrCat(std::string(round::Name(*step)), " is over")};
  }
  if (*step > step_) {
    return Broken(
        absl::StrCat(std::string(round::Name(*step)), " has not begun"));
  }
  if (step_ != SecureStep::kAdvertising && !remaining_.contains(client)) {
    return {Refusal::kTooLate, "it has left the session"};
  }
  if (answered_.contains(client) || inputs_.contains(client)) {
    return {Refusal::kDuplicate, "answered before"};
  }
  Answer answer = Take(client, message);
  // A masked input counts once its words are there.
  if (answer.refusal == Refusal::kNone && step_ != SecureStep::kMasking) {
    answered_.insert(client);
    is_enough_ = is_enough_ || server_.IsComplete();
    answer.is_enough = is_enough_;
  }
  return answer;
}

SecureSession::Answer SecureSession::Take(
    const ClientId& client, const v1::SecureClientMessage& message) {
  if (step_ == SecureStep::kAdvertising) {
    return Decoded(codec::ToAdvertisement(message.advertisement()),
                   [&](const secagg::Advertisement& advertisement) {
                     return server_.Accept(client.name, advertisement);
                   });
  }
  const secagg::Index index = server_.IndexOf(client.name).value();
  const auto accept = [&](const auto& decoded) {
    return server_.Accept(index, decoded);
  };
  switch (step_) {
    case SecureStep::kAdvertising:
      break;
    case SecureStep::kOpening:
      return Decoded(codec::ToOpening(message.opening()), accept);
    case SecureStep::kSharing:
      return Decoded(codec::ToKeyShares(message.key_shares()), accept);
    case SecureStep::kMasking:
      return Decoded(codec::ToMaskedInput(message.masked_input()),
                     [&](const secagg::MaskedInput& input) {
                       const secagg::Refusal refusal =
                           server_.Check(index, input);
                       if (refusal == secagg::Refusal::kNone) {
                         inputs_.emplace(client, input);
                       }
                       return refusal;
                     });
    case SecureStep::kAgreeing:
      return Decoded(codec::ToAgreement(message.agreement()), accept);
    case SecureStep::kUnmasking:
      return Decoded(codec::ToUnmasking(message.unmasking()), accept);
  }
  std::abort();
}

bool SecureSession::ExpectsInput(const ClientId& client) const {
  return step_ == SecureStep::kMasking && inputs_.contains(client) &&
         !answered_.contains(client);
}

bool SecureSession::AcceptInput(const ClientId& client) {
  if (!ExpectsInput(client)) return false;
  // Checked when its message came.
  if (server_.Accept(server_.IndexOf(client.name).value(),
                     inputs_.at(client)) != secagg::Refusal::kNone) {
    std::abort();
  }
  answered_.insert(client);
  return true;
}

std::optional<secagg::Abandoned> SecureSession::CloseStep() {
  switch (step_) {
    case SecureStep::kAdvertising:
      return server_.CloseAdvertising();
    case SecureStep::kOpening:
      return server_.CloseOpening();
    case SecureStep::kSharing:
      return server_.CloseSharing();
    case SecureStep::kMasking:
      return server_.CloseMasking();
    case SecureStep::kAgreeing:
      return server_.CloseAgreeing();
    case SecureStep::kUnmasking:
      break;
  }
  auto outcome = server_.CloseUnmasking();
  if (auto* abandoned = std::get_if<secagg::Abandoned>(&outcome)) {
    return *std::move(abandoned);
  }
  recovery_ = std::get<secagg::Recovery>(std::move(outcome));
  return std::nullopt;
}

std::variant<SecureSession::Closed, SecureSession::Abandoned>
SecureSession::Close() {
  if (is_over_) std::abort();
  if (const auto abandoned = CloseStep()) {
    is_over_ = true;
    return Describe(*abandoned);
  }
  remaining_ = step_ == SecureStep::kAgreeing ? NamesOf(server_.answerers())
                                              : std::move(answered_);
  answered_.clear();
  is_enough_ = false;
  inputs_.clear();
  if (step_ == SecureStep::kUnmasking) {
    is_over_ = true;
  } else {
    step_ = Next(step_);
  }
  return Closed{{remaining_.begin(), remaining_.end()}};
}

SecureSession::Abandoned SecureSession::Describe(
    const secagg::Abandoned& abandoned) const {
  std::string reason = absl::StrCat(std::string(round::Name(step_)), ": ");
  switch (abandoned.reason) {
    case secagg::Reason::kTooFewClients:
      absl::StrAppend(&reason, abandoned.count, " clients are left, ",
                      abandoned.needed, " are needed");
      break;
    case secagg::Reason::kNoGraph:
      absl::StrAppend(&reason, "no graph of ", abandoned.count,
                      " clients withstands what the plan demands");
      break;
    case secagg::Reason::kTooFewHolders:
      absl::StrAppend(&reason, "of a client's shares ", abandoned.count,
                      " are left, ", abandoned.needed, " are needed");
      break;
    case secagg::Reason::kInconsistentSecret:
      absl::StrAppend(&reason, "a client's shares make no secret of its");
      break;
  }
  if (!abandoned.blamed.empty()) {
    absl::StrAppend(&reason, "; to blame: ",
                    absl::StrJoin(abandoned.blamed, ", ",
                                  [&](std::string* out, secagg::Index index) {
                                    out->append(server_.NameOf(index));
                                  }));
  }
  return {
      static_cast<int>(step_ == SecureStep::kAdvertising ? abandoned.count
                                                         : answered_.size()),
      std::string(secagg::Name(abandoned.reason)), std::move(reason)};
}

std::set<ClientId> SecureSession::NamesOf(
    const secagg::Members& members) const {
  std::set<ClientId> names;
  for (const secagg::Index index : members.List()) {
    names.insert({server_.NameOf(index)});
  }
  return names;
}

std::vector<v1::SecureServerMessage> SecureSession::MessagesFor(
    const ClientId& client) const {
  if (is_over_ || !remaining_.contains(client)) return {};
  const secagg::Index index = server_.IndexOf(client.name).value();
  std::vector<v1::SecureServerMessage> messages;
  switch (step_) {
    case SecureStep::kAdvertising:
      break;
    case SecureStep::kOpening:
      *messages.emplace_back().mutable_roster() =
          codec::ToMessage(server_.RosterFor(index));
      break;
    case SecureStep::kSharing:
      for (v1::SecureNeighbours& page :
           codec::ToPages(server_.NeighboursOf(index))) {
        *messages.emplace_back().mutable_neighbours() = std::move(page);
      }
      break;
    case SecureStep::kMasking:
      *messages.emplace_back().mutable_routed_shares() =
          codec::ToMessage(server_.SharesFor(index));
      break;
    case SecureStep::kAgreeing:
      *messages.emplace_back().mutable_survivors() =
          codec::ToMessage(server_.AgreeOn());
      break;
    case SecureStep::kUnmasking:
      *messages.emplace_back().mutable_agreements() =
          codec::ToMessage(server_.AgreementsFor(index));
      break;
  }
  return messages;
}

secagg::Recovery SecureSession::TakeRecovery() {
  if (!recovery_) std::abort();
  secagg::Recovery recovery = *std::move(recovery_);
  recovery_.reset();
  return recovery;
}

}  // namespace tributary::coordinator
