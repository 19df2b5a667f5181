// SPDX-License-Identifier: Apache-2.0
// The coordinator's half of a secure session, in messages of the wire: what
// tests of the client talk to. Each step is closed by the test.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/core/secure_task.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/server/masked_sum.h"
#include "privacy/secagg/server/server.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"
#include "tests/client/core/session_fixture.h"
#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary {

// A training task of `words` words, the model of that many parameters less the
// two for examples and loss, for a session of so many clients.
inline v1::Task SecureTaskOf(std::uint32_t words, std::uint32_t clients) {
  v1::Task task = session::TaskNamed('a');
  task.set_attempt(1);
  task.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
  task.mutable_update()->set_bits(16);
  task.mutable_update()->set_max_weight(10);
  task.mutable_integers()->set_word_bits(32);
  secagg::Terms terms = secagg::SomeTerms(clients, words);
  terms.min_cohort = 3;
  *task.mutable_secure() = codec::ToMessage(terms);
  return task;
}

// Admits what SecureTaskOf asks.
inline secagg::Policy TestPolicy() {
  secagg::Policy policy = secagg::LenientPolicy();
  policy.min_cohort = 3;
  return policy;
}

class SecureRound {
 public:
  explicit SecureRound(const v1::Task& task)
      : task_(task),
        terms_(*codec::TermsOf(task)),
        server_(*secagg::Server::Make(terms_, authority_)),
        sum_(terms_.length, terms_.word_bits) {}

  const v1::Task& task() const { return task_; }
  const secagg::Server& server() const { return server_; }

  // How the message was taken.
  secagg::Refusal Take(const std::string& name,
                       const v1::SecureClientMessage& message) {
    using Message = v1::SecureClientMessage;
    if (message.has_advertisement()) {
      return server_.Accept(
          codec::ToAdvertisement(message.advertisement()).value());
    }
    const secagg::Index index = server_.IndexOf(name).value();
    switch (message.kind_case()) {
      case Message::kOpening:
        return server_.Accept(index,
                              codec::ToOpening(message.opening()).value());
      case Message::kKeyShares:
        return server_.Accept(index,
                              codec::ToKeyShares(message.key_shares()).value());
      case Message::kMaskedInput:
        return server_.Accept(
            index, codec::ToMaskedInput(message.masked_input()).value());
      case Message::kAgreement:
        return server_.Accept(index,
                              codec::ToAgreement(message.agreement()).value());
      case Message::kUnmasking:
        return server_.Accept(index,
                              codec::ToUnmasking(message.unmasking()).value());
      default:
        return secagg::Refusal::kWrongStep;
    }
  }
  // With its masked_input.
  void Add(std::span<const std::byte> packed) {
    REQUIRE(secagg::IsPacked(packed, terms_.length, terms_.word_bits));
    sum_.Add(0, terms_.length, packed);
  }

  // What the server says to each client once a step is closed, until the next.
  std::vector<v1::SecureServerMessage> MessagesFor(
      const std::string& name) const {
    const secagg::Index index = server_.IndexOf(name).value();
    std::vector<v1::SecureServerMessage> messages(1);
    v1::SecureServerMessage& first = messages.front();
    switch (closed_) {
      case 1:
        *first.mutable_roster() = codec::ToMessage(server_.RosterFor(index));
        break;
      case 2:
        messages.clear();
        for (auto& page : codec::ToPages(server_.NeighboursOf(index))) {
          *messages.emplace_back().mutable_neighbours() = std::move(page);
        }
        break;
      case 3:
        *first.mutable_routed_shares() =
            codec::ToMessage(server_.SharesFor(index));
        break;
      case 4:
        *first.mutable_survivors() = codec::ToMessage(server_.AgreeOn());
        break;
      case 5:
        *first.mutable_agreements() =
            codec::ToMessage(server_.AgreementsFor(index));
        break;
      default:
        messages.clear();
    }
    for (auto& message : messages) message.set_task_token(task_.task_token());
    return messages;
  }

  // Closes the present step; enough are left.
  void Close() {
    const auto abandoned = [this]() -> std::optional<secagg::Abandoned> {
      switch (closed_) {
        case 0:
          return server_.CloseAdvertising();
        case 1:
          return server_.CloseOpening();
        case 2:
          return server_.CloseSharing();
        case 3:
          return server_.CloseMasking();
        default:
          return server_.CloseAgreeing();
      }
    }();
    REQUIRE_FALSE(abandoned.has_value());
    ++closed_;
  }
  // After the last step: the sum, its masks taken off.
  std::vector<std::int64_t> Sum() {
    auto outcome = server_.CloseUnmasking();
    REQUIRE(std::holds_alternative<secagg::Recovery>(outcome));
    sum_.Apply(terms_.cipher, std::get<secagg::Recovery>(outcome).AllMasks(), 0,
               terms_.length);
    std::vector<std::int64_t> sum;
    for (std::size_t i = 0; i < terms_.length; ++i) sum.push_back(sum_.At(i));
    return sum;
  }

 private:
  v1::Task task_;
  secagg::Terms terms_;
  secagg::TestAuthority authority_;
  secagg::Server server_;
  secagg::MaskedSum sum_;
  int closed_ = 0;
};

// One client of such a session, without a session::Session around it.
struct SecurePeer {
  explicit SecurePeer(std::string own_name)
      : name(std::move(own_name)), signer(name) {}

  void Begin(const v1::Task& offered,
             const secagg::Policy& policy = TestPolicy()) {
    auto begun =
        SecureTask::Begin(offered, {policy, signer, authority, answered});
    INFO(begun.status().ToString());
    REQUIRE(begun.ok());
    task = *std::move(begun);
  }
  // Takes what the round says to it and answers; a masked_input brings `words`.
  void Answer(SecureRound& round) {
    for (const auto& message : round.MessagesFor(name)) {
      const auto answer = task->Receive(message);
      INFO(name << ": " << answer.status().ToString());
      REQUIRE(answer.ok());
      if (!answer->has_value()) continue;
      if ((*answer)->has_masked_input()) {
        const auto packed = task->Mask(words);
        INFO(packed.status().ToString());
        REQUIRE(packed.ok());
        round.Add(*packed);
      }
      REQUIRE(round.Take(name, **answer) == secagg::Refusal::kNone);
    }
  }

  std::string name;
  secagg::TestSigner signer;
  secagg::TestAuthority authority;
  secagg::MemorySessions answered;
  std::unique_ptr<SecureTask> task;
  std::vector<std::int64_t> words;
};

}  // namespace tributary
