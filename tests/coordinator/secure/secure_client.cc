// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/secure/secure_client.h"

#include <utility>

#include "proto/codec/secagg.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// What a call gave, or the end of the test.
template <typename Value>
Value Taken(absl::StatusOr<Value> result) {
  INFO(result.status().ToString());
  REQUIRE(result.ok());
  return *std::move(result);
}

}  // namespace

SecureClient::SecureClient(std::string name, const secagg::Terms& terms,
                           const secagg::Policy& policy)
    : name_(std::move(name)), signer_(name_) {
  client_ = Taken(
      secagg::Client::Make(terms, policy, signer_, authority_, answered_));
}

v1::SecureClientMessage SecureClient::Advertise() {
  v1::SecureClientMessage message;
  *message.mutable_advertisement() =
      codec::ToMessage(Taken(client_->Advertise()));
  return message;
}

std::optional<v1::SecureClientMessage> SecureClient::Receive(
    const v1::SecureServerMessage& message) {
  v1::SecureClientMessage answer;
  switch (message.kind_case()) {
    case v1::SecureServerMessage::kRoster:
      clients_ = message.roster().clients();
      *answer.mutable_opening() = codec::ToMessage(
          Taken(client_->Receive(Taken(codec::ToRoster(message.roster())))));
      return answer;
    case v1::SecureServerMessage::kNeighbours:
      REQUIRE(codec::ReadPage(message.neighbours(), neighbours_).ok());
      if (!message.neighbours().is_last()) return std::nullopt;
      *answer.mutable_key_shares() =
          codec::ToMessage(Taken(client_->Receive(neighbours_)));
      return answer;
    case v1::SecureServerMessage::kRoutedShares:
      *answer.mutable_masked_input() =
          codec::ToMessage(Taken(client_->Receive(Taken(
              codec::ToRoutedShares(message.routed_shares(), clients_)))));
      return answer;
    case v1::SecureServerMessage::kSurvivors:
      *answer.mutable_agreement() = codec::ToMessage(Taken(client_->Receive(
          Taken(codec::ToSurvivors(message.survivors(), clients_)))));
      return answer;
    case v1::SecureServerMessage::kAgreements:
      *answer.mutable_unmasking() = codec::ToMessage(Taken(client_->Receive(
          Taken(codec::ToAgreements(message.agreements())))));
      return answer;
    case v1::SecureServerMessage::KIND_NOT_SET:
      break;
  }
  FAIL("an empty message");
  return std::nullopt;
}

std::vector<std::byte> SecureClient::Mask(
    std::span<const std::int64_t> words) {
  return Taken(client_->MaskInput(words));
}

}  // namespace tributary::testing
