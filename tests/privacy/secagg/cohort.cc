// SPDX-License-Identifier: Apache-2.0
#include "tests/privacy/secagg/cohort.h"

#include <string>
#include <utility>

#include "privacy/crypto/random.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

std::vector<std::unique_ptr<Signer>> TestSigners(std::uint32_t clients) {
  std::vector<std::unique_ptr<Signer>> signers;
  for (std::uint32_t i = 0; i < clients; ++i) {
    // Names in the order of their numbers.
    signers.push_back(
        std::make_unique<TestSigner>("client-" + std::to_string(100'000 + i)));
  }
  return signers;
}

}  // namespace

Cohort::Cohort(const Terms& own_terms, std::uint32_t clients,
               const Policy& policy)
    : Cohort(own_terms, policy, TestSigners(clients), test_authority) {}

Cohort::Cohort(const Terms& own_terms, const Policy& policy,
               std::vector<std::unique_ptr<Signer>> signers,
               const Authority& pinned)
    : terms(own_terms), authority(&pinned) {
  for (auto& signer : signers) {
    Member member;
    member.signer = std::move(signer);
    auto client = Client::Make(terms, policy, *member.signer, *authority,
                               *member.answered);
    REQUIRE(client.ok());
    member.client = *std::move(client);
    member.input.resize(terms.length);
    members.push_back(std::move(member));
  }
  auto made = Server::Make(terms, *authority);
  REQUIRE(made.ok());
  server = *std::move(made);
}

void Cohort::DrawInputs(std::uint64_t seed) {
  KeyedStream random(KeyFromSeed(seed), "inputs");
  const std::int64_t largest = terms.LargestInput();
  for (Member& member : members) {
    for (std::int64_t& word : member.input) {
      word = static_cast<std::int64_t>(
                 random.Below(2 * static_cast<std::uint64_t>(largest) + 1)) -
             largest;
    }
  }
}

std::vector<std::int64_t> Cohort::PlainSum(
    const std::set<std::size_t>& of) const {
  std::vector<std::int64_t> plain(terms.length);
  for (const std::size_t member : of) {
    for (std::size_t i = 0; i < plain.size(); ++i) {
      plain[i] += members[member].input[i];
    }
  }
  return plain;
}

void Cohort::Leave(const std::set<std::size_t>& vanished) {
  for (const std::size_t member : vanished) members[member].is_there = false;
}

Cohort::Member& Cohort::AtIndex(Index index) {
  for (Member& member : members) {
    if (member.name == server->NameOf(index)) return member;
  }
  FAIL("no member " << index);
  std::abort();
}

std::set<std::size_t> Cohort::Survivors() const {
  std::set<std::size_t> survivors;
  const Members agreed = server->AgreeOn().members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto index = server->IndexOf(members[i].name);
    if (index.has_value() && agreed.Contains(*index)) survivors.insert(i);
  }
  return survivors;
}

void Cohort::Advertise(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  for (Member& member : members) {
    member.name = (*authority->Identify(member.signer->credential()))->name();
    if (!member.is_there) continue;
    const auto advertisement = member.client->Advertise();
    REQUIRE(advertisement.ok());
    REQUIRE(server->Accept(*advertisement) == Refusal::kNone);
  }
}
std::optional<Abandoned> Cohort::CloseAdvertising() {
  auto abandoned = server->CloseAdvertising();
  for (Member& member : members) {
    if (abandoned.has_value() || !member.is_there) continue;
    member.index = server->IndexOf(member.name).value();
  }
  return abandoned;
}

void Cohort::Open(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  for (Member& member : members) {
    if (!member.is_there) continue;
    const auto opening =
        member.client->Receive(server->RosterFor(member.index));
    REQUIRE(ReasonOf(opening) == "");
    member.choice = opening->choice;
    REQUIRE(server->Accept(member.index, *opening) == Refusal::kNone);
  }
}
std::optional<Abandoned> Cohort::CloseOpening() {
  return server->CloseOpening();
}

void Cohort::Share(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  for (Member& member : members) {
    if (!member.is_there) continue;
    const auto shares =
        member.client->Receive(server->NeighboursOf(member.index));
    REQUIRE(ReasonOf(shares) == "");
    REQUIRE(server->Accept(member.index, *shares) == Refusal::kNone);
  }
}
std::optional<Abandoned> Cohort::CloseSharing() {
  return server->CloseSharing();
}

void Cohort::SendInputs(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  sum.emplace(terms.length, terms.word_bits);
  for (Member& member : members) {
    if (!member.is_there) continue;
    const auto header = member.client->Receive(server->SharesFor(member.index));
    REQUIRE(ReasonOf(header) == "");
    const auto masked = member.client->MaskInput(member.input);
    REQUIRE(ReasonOf(masked) == "");
    member.masked = *masked;
    REQUIRE(server->Accept(member.index, *header) == Refusal::kNone);
    sum->Add(0, terms.length, *masked);
  }
}
std::optional<Abandoned> Cohort::CloseMasking() {
  return server->CloseMasking();
}

void Cohort::Agree(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  for (Member& member : members) {
    if (!member.is_there) continue;
    const auto agreement = member.client->Receive(server->AgreeOn());
    REQUIRE(ReasonOf(agreement) == "");
    REQUIRE(server->Accept(member.index, *agreement) == Refusal::kNone);
  }
}
std::optional<Abandoned> Cohort::CloseAgreeing() {
  return server->CloseAgreeing();
}

void Cohort::Unmask(const std::set<std::size_t>& vanished) {
  Leave(vanished);
  for (Member& member : members) {
    if (!member.is_there || !server->answerers().Contains(member.index)) {
      continue;
    }
    const auto answer =
        member.client->Receive(server->AgreementsFor(member.index));
    REQUIRE(ReasonOf(answer) == "");
    REQUIRE(server->Accept(member.index, *answer) == Refusal::kNone);
  }
}
Result Cohort::CloseUnmasking() {
  auto outcome = server->CloseUnmasking();
  if (const auto* abandoned = std::get_if<Abandoned>(&outcome)) {
    return *abandoned;
  }
  const auto& recovery = std::get<Recovery>(outcome);
  sum->Apply(terms.cipher, recovery.AllMasks(), 0, terms.length);
  Released released{{}, Survivors()};
  for (std::size_t i = 0; i < terms.length; ++i) {
    released.sum.push_back(sum->At(i));
  }
  return released;
}

Result Cohort::Run(const Vanished& vanished) {
  Advertise(vanished.advertising);
  if (auto abandoned = CloseAdvertising()) return *abandoned;
  Open(vanished.opening);
  if (auto abandoned = CloseOpening()) return *abandoned;
  Share(vanished.sharing);
  if (auto abandoned = CloseSharing()) return *abandoned;
  SendInputs(vanished.masking);
  if (auto abandoned = CloseMasking()) return *abandoned;
  Agree(vanished.agreeing);
  if (auto abandoned = CloseAgreeing()) return *abandoned;
  Unmask(vanished.unmasking);
  return CloseUnmasking();
}

void Cohort::RunToRoster() {
  Advertise();
  REQUIRE_FALSE(CloseAdvertising().has_value());
}
void Cohort::RunToNeighbours() {
  RunToRoster();
  Open();
  REQUIRE_FALSE(CloseOpening().has_value());
}
void Cohort::RunToShares() {
  RunToNeighbours();
  Share();
  REQUIRE_FALSE(CloseSharing().has_value());
}
void Cohort::RunToInputs() {
  RunToShares();
  SendInputs();
  REQUIRE_FALSE(CloseMasking().has_value());
}
void Cohort::RunToAgreements() {
  RunToInputs();
  Agree();
  REQUIRE_FALSE(CloseAgreeing().has_value());
}

}  // namespace tributary::secagg
