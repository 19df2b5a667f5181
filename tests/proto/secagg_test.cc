// SPDX-License-Identifier: Apache-2.0
// Messages of secure aggregation over the wire: what is sent is what is read,
// and what is broken is refused by the name of its field.
#include "proto/codec/secagg.h"

#include <functional>
#include <string>

#include "tests/privacy/secagg/cohort.h"

#include "tests/catch.h"

namespace tributary::codec {
namespace {

using secagg::Cohort;
using secagg::Index;
using secagg::ReasonOf;
using secagg::SomeTerms;

constexpr std::size_t kLargest = std::size_t{1} << 20;

// As bytes and back.
template <typename Message>
Message Sent(const Message& message) {
  Message received;
  const std::string bytes = message.SerializeAsString();
  CHECK(bytes.size() <= kLargest);
  REQUIRE(received.ParseFromString(bytes));
  return received;
}

TEST_CASE("a session over the wire gives the plain sum") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.DrawInputs(1);
  secagg::Server& server = *cohort.server;
  for (auto& member : cohort.members) {
    member.name = member.signer->credential().substr(9);
    REQUIRE(server.Accept(
                ToAdvertisement(Sent(ToMessage(*member.client->Advertise())))
                    .value()) == secagg::Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseAdvertising().has_value());
  const auto client = [&](Index i) -> secagg::Client& {
    return *cohort[i].client;
  };
  for (Index i = 0; i < 9; ++i) {
    const auto opening = client(i).Receive(
        ToRoster(Sent(ToMessage(server.RosterFor(i)))).value());
    REQUIRE(server.Accept(i, ToOpening(Sent(ToMessage(*opening))).value()) ==
            secagg::Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseOpening().has_value());
  for (Index i = 0; i < 9; ++i) {
    std::vector<secagg::Neighbour> neighbours;
    for (const auto& page : ToPages(server.NeighboursOf(i))) {
      REQUIRE(ReadPage(Sent(page), neighbours).ok());
    }
    const auto shares = client(i).Receive(neighbours);
    REQUIRE(server.Accept(i, ToKeyShares(Sent(ToMessage(*shares))).value()) ==
            secagg::Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseSharing().has_value());
  cohort.sum.emplace(cohort.terms.length, cohort.terms.word_bits);
  for (Index i = 0; i < 8; ++i) {  // client 8 leaves
    const auto input = client(i).Receive(
        ToRoutedShares(Sent(ToMessage(server.SharesFor(i))), 9).value());
    REQUIRE(server.Accept(i, ToMaskedInput(Sent(ToMessage(*input))).value()) ==
            secagg::Refusal::kNone);
    cohort.sum->Add(0, cohort.terms.length,
                    *client(i).MaskInput(cohort[i].input));
  }
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  for (Index i = 0; i < 8; ++i) {
    const auto agreement = client(i).Receive(
        ToSurvivors(Sent(ToMessage(server.AgreeOn())), 9).value());
    REQUIRE(
        server.Accept(i, ToAgreement(Sent(ToMessage(*agreement))).value()) ==
        secagg::Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
  for (Index i = 0; i < 8; ++i) {
    const auto unmasking = client(i).Receive(
        ToAgreements(Sent(ToMessage(server.AgreementsFor(i)))).value());
    REQUIRE(
        server.Accept(i, ToUnmasking(Sent(ToMessage(*unmasking))).value()) ==
        secagg::Refusal::kNone);
  }
  const auto result = cohort.CloseUnmasking();
  REQUIRE(std::holds_alternative<secagg::Released>(result));
  CHECK(std::get<secagg::Released>(result).sum ==
        cohort.PlainSum({0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_CASE("terms are read as they were written, but for what the task says") {
  secagg::Terms terms = SomeTerms(100);
  terms.word_bits = 27;
  terms.cipher = secagg::StreamCipher::kChaCha20;
  terms.adversary = secagg::Adversary::kSemiHonest;
  secagg::Terms read;
  read.model = terms.model;
  read.plan = terms.plan;
  read.run = terms.run;
  read.round = terms.round;
  read.attempt = terms.attempt;
  REQUIRE(ReadTerms(Sent(ToMessage(terms)), read).ok());
  CHECK(read.Hash() == terms.Hash());
}

TEST_CASE("terms out of their limits are refused by their names") {
  const auto reason = [](const std::function<void(v1::SecureTerms&)>& change) {
    v1::SecureTerms message = ToMessage(SomeTerms(100));
    change(message);
    secagg::Terms terms = SomeTerms(100);
    return std::string(ReadTerms(message, terms).message());
  };
  CHECK(reason([](auto&) {}) == "");
  CHECK(reason([](auto& m) { m.set_length(0); }) ==
        "length: 0 is not at least 1");
  CHECK(reason([](auto& m) { m.set_word_bits(63); }) ==
        "word_bits: 63 is greater than 62");
  CHECK(reason([](auto& m) {
          m.set_cipher(v1::SecureTerms::STREAM_CIPHER_UNSPECIFIED);
        }) == "cipher: needs a value");
  CHECK(reason([](auto& m) {
          m.set_adversary(v1::SecureTerms::ADVERSARY_UNSPECIFIED);
        }) == "adversary: needs a value");
  CHECK(reason([](auto& m) { m.set_min_survivors(1); }) ==
        "min_survivors: 1 is less than 2");
  CHECK(reason([](auto& m) { m.set_max_cohort(2'000'000); }) ==
        "max_cohort: 2000000 is greater than 1048576");
  CHECK(reason([](auto& m) { m.set_max_cohort(3); }) ==
        "max_cohort: 3 is not in min_cohort .. 1048576");
  CHECK(reason([](auto& m) {
          m.set_min_cohort(3);
          m.set_min_survivors(3);
        }) == "min_cohort: 3 is not at least 3 and above min_survivors");
  CHECK(reason([](auto& m) {
          m.set_word_bits(8);
          m.set_max_cohort(200);
        }) == "word_bits: 8 hold no sum of 200 clients");
}

TEST_CASE("fields of a wrong size are refused by their names") {
  v1::SecureAdvertisement advertisement = ToMessage(secagg::Advertisement{});
  REQUIRE(ToAdvertisement(advertisement).ok());
  advertisement.set_channel_key("short");
  CHECK(ReasonOf(ToAdvertisement(advertisement)) ==
        "channel_key: 5 bytes, not 32");
  advertisement = ToMessage(secagg::Advertisement{});
  advertisement.set_credential(std::string(5'000, 'x'));
  CHECK(ReasonOf(ToAdvertisement(advertisement)) ==
        "credential: has 5000 bytes, more than 4096");
  CHECK(ReasonOf(ToOpening(v1::SecureOpening())) == "choice: 0 bytes, not 32");
  v1::SecureRoster roster;
  roster.set_clients(5);
  roster.set_root(std::string(32, 'r'));
  REQUIRE(ToRoster(roster).ok());
  roster.add_proof("x");
  CHECK(ReasonOf(ToRoster(roster)) == "proof: 1 bytes, not 32");
  v1::SecureKeyShares shares;
  shares.set_self_mask(std::string(32, 's'));
  REQUIRE(ToKeyShares(shares).ok());
  shares.add_shares()->set_sealed("x");
  CHECK(ReasonOf(ToKeyShares(shares)) == "sealed: 1 bytes, not 80");
  v1::SecureUnmasking unmasking;
  unmasking.add_shares()->set_share("x");
  CHECK(ReasonOf(ToUnmasking(unmasking)) == "share: 1 bytes, not 32");
}

TEST_CASE("of an answer that has done its work no share is left") {
  v1::SecureClientMessage message;
  EraseShares(message);
  CHECK(message.kind_case() == v1::SecureClientMessage::KIND_NOT_SET);
  message.mutable_opening()->set_choice("public");
  EraseShares(message);
  CHECK(message.opening().choice() == "public");
  v1::SecureUnmasking& unmasking = *message.mutable_unmasking();
  for (const char letter : {'a', 'b'}) {
    unmasking.add_shares()->set_share(std::string(32, letter));
  }
  const char* first = unmasking.shares(0).share().data();
  EraseShares(message);
  // Where they were, not somewhere else.
  CHECK(unmasking.shares(0).share().data() == first);
  for (const v1::SecureRevealedShare& share : unmasking.shares()) {
    CHECK(share.share() == std::string(32, '\0'));
  }
}

TEST_CASE("sets that are not of their cohort are refused") {
  v1::SecureSurvivors survivors;
  survivors.set_survivors("\x03");
  REQUIRE(ToSurvivors(survivors, 8).ok());
  CHECK(ReasonOf(ToSurvivors(survivors, 9)) ==
        "survivors: a set of 9 clients has 2 bytes, not 1");
  survivors.set_survivors("\x83");
  CHECK(ReasonOf(ToSurvivors(survivors, 7)) ==
        "survivors: a set of 7 clients holds one more");
  v1::SecureRoutedShares routed;
  CHECK(ReasonOf(ToRoutedShares(routed, 1)) ==
        "sharers: a set of 1 clients has 1 bytes, not 0");
}

TEST_CASE("the largest messages are within 1 MiB") {
  secagg::Neighbour neighbour;
  neighbour.advertisement.credential = std::string(4'096, 'c');
  neighbour.advertisement.signature = std::string(384, 's');
  neighbour.proof.resize(20);
  neighbour.choice.emplace();
  neighbour.index = 1'048'575;
  const std::vector<secagg::Neighbour> many(1'000, neighbour);
  std::vector<secagg::Neighbour> read;
  int last = 0;
  for (const auto& page : ToPages(many)) {
    last += page.is_last() ? 1 : 0;
    REQUIRE(ReadPage(Sent(page), read).ok());
  }
  CHECK(read.size() == 1'000);
  CHECK(last == 1);
  CHECK(ToPages({}).size() == 1);
  CHECK(ToPages({})[0].is_last());

  secagg::KeyShares shares;
  shares.shares.resize(2'047);
  CHECK(ToKeyShares(Sent(ToMessage(shares)))->shares.size() == 2'047);
  secagg::RoutedShares routed{secagg::Members(1 << 20), {}};
  routed.shares.resize(6'000);
  CHECK(ToRoutedShares(Sent(ToMessage(routed)), 1 << 20)->shares.size() ==
        6'000);
  const std::vector<secagg::SignedAgreement> agreements(
      2'047, {1'048'575, std::string(384, 's')});
  CHECK(ToAgreements(Sent(ToMessage(agreements)))->size() == 2'047);
  secagg::Unmasking unmasking;
  unmasking.shares.resize(6'000);
  CHECK(ToUnmasking(Sent(ToMessage(unmasking)))->shares.size() == 6'000);
}

TEST_CASE("lists beyond their limits are refused") {
  secagg::KeyShares shares;
  shares.shares.resize(2'048);
  CHECK(ReasonOf(ToKeyShares(ToMessage(shares))) ==
        "shares: has 2048 elements, more than 2047");
  secagg::MaskedInput input;
  input.unreadable.resize(6'001);
  CHECK(ReasonOf(ToMaskedInput(ToMessage(input))) ==
        "unreadable: has 6001 elements, more than 6000");
}

}  // namespace
}  // namespace tributary::codec
