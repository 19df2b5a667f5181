// SPDX-License-Identifier: Apache-2.0
// Attacks, each mounted by a hostile coordinator or client, and refused by the
// honest side. The numbers are those of the table in docs/secagg.md.
// What the refusals say is looked at in refusal_text_test.cc.
#include <algorithm>
#include <functional>

#include "privacy/secagg/graph.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/shamir.h"
#include "tests/privacy/secagg/cohort.h"
#include "tests/privacy/secagg/hostile.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

// Four honest clients, and a coordinator that changes the advertisement of the
// last one, or adds some, before client 0 sees them. The reason client 0 gives.
struct AdvertisementAttack {
  using Change = std::function<void(std::vector<Advertisement>&)>;

  std::string Refused(const Change& change) {
    std::vector<Advertisement> advertisements;
    std::vector<Opening> openings;
    for (auto& member : cohort.members) {
      advertisements.push_back(member.client->Advertise().value());
    }
    change(advertisements);
    HostileServer server(advertisements);
    Client& victim = *cohort[0].client;
    const auto opened = victim.Receive(server.RosterFor(0));
    if (!opened.ok()) return ReasonOf(opened);
    for (Index i = 0; i < advertisements.size(); ++i) {
      Opening opening;
      if (i < cohort.members.size()) {
        const auto own =
            i == 0 ? opened : cohort[i].client->Receive(server.RosterFor(i));
        if (own.ok()) opening = *own;
      }
      openings.push_back(opening);
    }
    return ReasonOf(victim.Receive(server.NeighboursOf(0, openings)));
  }
  Terms terms = SomeTerms(20);
  Cohort cohort{terms, 5};
};

TEST_CASE_METHOD(AdvertisementAttack, "nothing changed is nothing refused") {
  CHECK(Refused([](auto&) {}) == "");
}

TEST_CASE_METHOD(AdvertisementAttack,
                 "1: a peer that was given another model signs other terms") {
  Terms others = terms;
  others.model.bytes.fill(9);
  MemorySessions answered;
  auto other = Client::Make(others, LenientPolicy(), *cohort[4].signer,
                            *cohort.authority, answered);
  CHECK(Refused([&](auto& advertisements) {
          advertisements[4] = other->Advertise().value();
        }) ==
        "neighbour 4: its advertisement is not signed by it for these terms");
}

TEST_CASE("1: an honest server takes no advertisement for another model") {
  Cohort cohort(SomeTerms(5), 5);
  for (const auto& change : std::vector<std::function<void(Terms&)>>{
           [](Terms& t) { t.model.bytes[0] ^= 1; },
           [](Terms& t) { t.plan.bytes[0] ^= 1; },
           [](Terms& t) { t.run = "other"; }, [](Terms& t) { ++t.round; },
           [](Terms& t) { ++t.attempt; }, [](Terms& t) { ++t.length; },
           [](Terms& t) { ++t.word_bits; },
           [](Terms& t) { t.cipher = StreamCipher::kChaCha20; },
           [](Terms& t) { ++t.min_survivors; },
           [](Terms& t) { ++t.min_cohort; }, [](Terms& t) { ++t.max_cohort; },
           [](Terms& t) { ++t.corrupt_per_mille; },
           [](Terms& t) { ++t.dropped_per_mille; },
           [](Terms& t) { t.adversary = Adversary::kSemiHonest; }}) {
    Terms others = cohort.terms;
    change(others);
    MemorySessions answered;
    auto other = Client::Make(others, LenientPolicy(), *cohort[0].signer,
                              *cohort.authority, answered);
    REQUIRE(other.ok());
    CHECK(cohort.server->Accept(other->Advertise().value()) ==
          Refusal::kBadSignature);
  }
}

TEST_CASE("2: a client answers once") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToAgreements();
  Client& client = *cohort[0].client;
  REQUIRE(client.Receive(cohort.server->AgreementsFor(0)).ok());
  CHECK(ReasonOf(client.Receive(cohort.server->AgreementsFor(0))) ==
        "the session is over");
  CHECK(ReasonOf(client.Receive(cohort.server->AgreeOn())) ==
        "the session is over");
  CHECK(cohort[0].answered->answered ==
        std::set<Digest>{cohort.server->session()});
}

TEST_CASE("2: a client whose memory says it has answered does not answer") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToAgreements();
  REQUIRE(cohort[0].answered->Remember(cohort.server->session()).ok());
  CHECK(ReasonOf(cohort[0].client->Receive(cohort.server->AgreementsFor(0))) ==
        "answered already");
  CHECK(ReasonOf(cohort[0].client->Receive(cohort.server->AgreementsFor(0))) ==
        "the session is over");
}

TEST_CASE("2: a client that cannot keep its answer in mind gives none") {
  class FullDisk final : public AnsweredSessions {
   public:
    absl::Status Remember(const Digest&) override {
      return absl::ResourceExhaustedError("disk full");
    }
  };
  Cohort cohort(SomeTerms(8), 8);
  FullDisk disk;
  cohort[0].client = Client::Make(cohort.terms, LenientPolicy(),
                                  *cohort[0].signer, *cohort.authority, disk)
                         .value();
  cohort.RunToAgreements();
  CHECK(ReasonOf(cohort[0].client->Receive(cohort.server->AgreementsFor(0))) ==
        "disk full");
}

TEST_CASE("2: of each client one share is revealed, the right one") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToShares();
  cohort.SendInputs({6, 7});
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  cohort.Agree();
  REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
  const auto answer =
      cohort[0].client->Receive(cohort.server->AgreementsFor(0));
  REQUIRE(answer.ok());
  std::vector<Index> owners;
  for (const auto& share : answer->shares) owners.push_back(share.owner);
  CHECK(owners == std::vector<Index>{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("2: a second set of survivors is refused") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToInputs();
  Client& client = *cohort[0].client;
  REQUIRE(client.Receive(cohort.server->AgreeOn()).ok());
  Survivors fewer{Members(8)};
  for (Index i = 0; i < 7; ++i) fewer.members.Insert(i);
  CHECK(ReasonOf(client.Receive(fewer)) ==
        "a message at another time than its own");
}

TEST_CASE("3: clients that were told different survivors reveal nothing") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToInputs();
  // Half of them are told that client 8 is gone.
  Survivors fewer{Members(9)};
  for (Index i = 0; i < 8; ++i) fewer.members.Insert(i);
  std::vector<SignedAgreement> signed_by_all;
  for (Index i = 0; i < 8; ++i) {
    const auto agreement =
        i % 2 == 0 ? cohort[i].client->Receive(fewer)
                   : cohort[i].client->Receive(cohort.server->AgreeOn());
    REQUIRE(agreement.ok());
    signed_by_all.push_back({i, agreement->signature});
  }
  for (Index i = 0; i < 8; ++i) {
    std::vector<SignedAgreement> others;
    std::vector<SignedAgreement> alike;
    for (const auto& agreement : signed_by_all) {
      if (agreement.client == i) continue;
      others.push_back(agreement);
      if (agreement.client % 2 == i % 2) alike.push_back(agreement);
    }
    // Those that were told the same are too few, which a coordinator may try
    // first.
    const auto reason =
        ReasonOf(cohort[i].client->Receive(i < 4 ? others : alike));
    CHECK(reason == (i < 4 ? "client " + std::to_string(i % 2 == 0 ? 1 : 0) +
                                 " did not sign these sharers and survivors"
                           : "only 3 holders of this client agree, not 5"));
  }
}

TEST_CASE("3: clients that were told different sharers do not agree") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToShares();
  for (Index i = 0; i < 9; ++i) {
    RoutedShares routed = cohort.server->SharesFor(i);
    if (i == 0) {  // is told that client 8 never shared
      Members fewer(9);
      for (Index k = 0; k < 8; ++k) fewer.Insert(k);
      routed.sharers = fewer;
      routed.shares.pop_back();
    }
    REQUIRE(cohort[i].client->Receive(routed).ok());
    REQUIRE(cohort[i].client->MaskInput(cohort[i].input).ok());
    if (i != 8)
      REQUIRE(cohort.server->Accept(i, MaskedInput{}) == Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  // Its masks cancel with nobody's, and its signature is nobody's either.
  const auto agreement = cohort[0].client->Receive(cohort.server->AgreeOn());
  REQUIRE(agreement.ok());
  CHECK(cohort.server->Accept(0, *agreement) == Refusal::kBadSignature);
}

TEST_CASE_METHOD(AdvertisementAttack, "4: a swapped key is not the peer's") {
  for (const auto key :
       {&Advertisement::mask_key, &Advertisement::channel_key}) {
    AdvertisementAttack attack;
    CHECK(attack.Refused([&](auto& advertisements) {
      advertisements[4].*key = KeyPair::Generate().public_key();
    }) == "neighbour 4: its advertisement is not signed by it for these terms");
  }
}

TEST_CASE_METHOD(AdvertisementAttack,
                 "4: a key signed by somebody nobody enrolled is refused") {
  CHECK(Refused([&](auto& advertisements) {
          Puppet puppet("made up");
          Advertisement forged = puppet.Advertise(terms);
          forged.credential = "invented:made up";
          advertisements[4] = puppet.Signed(terms, forged);
        }) == "neighbour 4: not enrolled");
}

TEST_CASE_METHOD(AdvertisementAttack,
                 "4: a client whose own key was swapped notices") {
  CHECK(Refused([](auto& advertisements) {
          advertisements[0].mask_key = KeyPair::Generate().public_key();
        }) == "this client's advertisement is not in the tree");
}

TEST_CASE_METHOD(AdvertisementAttack,
                 "5: one that is in the cohort twice is noticed") {
  CHECK(Refused([&](auto& advertisements) {
          // Signed with the real key of a corrupt client: fresh keys, but its
          // only name.
          Puppet sybil(cohort[4].name = "client-100004");
          advertisements.push_back(sybil.Advertise(terms));
        }) == "neighbour 5: its name is another's too");
}

TEST_CASE_METHOD(AdvertisementAttack, "5: a key that two have is refused") {
  CHECK(Refused([&](auto& advertisements) {
          Puppet thief("thief");
          Advertisement stolen = thief.Advertise(terms);
          stolen.mask_key = advertisements[4].mask_key;
          advertisements.push_back(thief.Signed(terms, stolen));
        }) == "neighbour 5: its key is another's too");
}

TEST_CASE_METHOD(AdvertisementAttack, "5: a neighbour named as oneself") {
  CHECK(Refused([&](auto& advertisements) {
          Puppet twin("client-100000");
          advertisements[4] = twin.Advertise(terms);
        }) == "neighbour 4: its name is another's too");
}

TEST_CASE("5: an honest server takes each name and each key once") {
  Cohort cohort(SomeTerms(5), 5);
  const auto first = cohort[0].client->Advertise().value();
  Server& server = *cohort.server;
  CHECK(server.Accept(first) == Refusal::kNone);
  CHECK(server.Accept(first) == Refusal::kNameTaken);
  const Puppet sybil("client-100000");
  CHECK(server.Accept(sybil.Advertise(cohort.terms)) == Refusal::kNameTaken);
  const Puppet thief("thief");
  Advertisement stolen = thief.Advertise(cohort.terms);
  stolen.channel_key = first.mask_key;
  CHECK(server.Accept(thief.Signed(cohort.terms, stolen)) ==
        Refusal::kKeyTaken);
  stolen.channel_key = stolen.mask_key;
  CHECK(server.Accept(thief.Signed(cohort.terms, stolen)) ==
        Refusal::kKeyTaken);
  stolen.credential = "invented";
  CHECK(server.Accept(stolen) == Refusal::kBadCredential);
}

TEST_CASE(
    "6: terms below a floor of the policy are refused, each by its name") {
  const auto reason = [](const std::function<void(Terms&)>& change) {
    Terms terms = SomeTerms(100);
    terms.min_cohort = 20;
    terms.min_survivors = 10;
    Policy policy;
    policy.min_length = 40;
    policy.min_word_bits = 32;
    TestSigner signer("one");
    TestAuthority authority;
    MemorySessions answered;
    REQUIRE(Client::Make(terms, policy, signer, authority, answered).ok());
    change(terms);
    return ReasonOf(Client::Make(terms, policy, signer, authority, answered));
  };
  const auto below = [](const std::string& floor, int offered, int least,
                        const std::string& field, const std::string& option) {
    return "the session offers " + floor + " " + std::to_string(offered) +
           ", this client demands at least " + std::to_string(least) +
           " (ClientOptions::secure_aggregation." + field + ", --" + option +
           ")";
  };
  CHECK(reason([](Terms& t) { t.min_cohort = 19; }) ==
        below("min_cohort", 19, 20, "min_cohort", "min-cohort"));
  CHECK(reason([](Terms& t) { t.min_survivors = 9; }) ==
        below("min_survivors", 9, 10, "min_survivors", "min-survivors"));
  CHECK(reason([](Terms& t) { t.length = 39; }) ==
        below("length", 39, 40, "min_length", "min-length"));
  CHECK(reason([](Terms& t) { t.word_bits = 31; }) ==
        below("word_bits", 31, 32, "min_word_bits", "min-word-bits"));
  CHECK(reason([](Terms& t) { t.corrupt_per_mille = 49; }) ==
        below("corrupt_per_mille", 49, 50, "min_corrupt_per_mille",
              "min-corrupt"));
  CHECK(reason([](Terms& t) { t.adversary = Adversary::kSemiHonest; }) ==
        "the session trusts the coordinator to follow the protocol, this "
        "client does not "
        "(ClientOptions::secure_aggregation.adversary, --adversary)");
}

TEST_CASE("6: a cohort or a threshold below the floor is refused") {
  Policy policy = LenientPolicy();
  policy.min_cohort = 6;
  Terms terms = SomeTerms(10);
  terms.min_cohort = 6;
  Cohort cohort(terms, 6, policy);
  cohort.RunToRoster();
  Roster roster = cohort.server->RosterFor(0);
  roster.clients = 1;
  CHECK(ReasonOf(cohort[0].client->Receive(roster)) ==
        "a cohort of 1, which is not in 6 .. 10");

  // Semi-honest, nobody corrupt: two of five would do.
  policy.min_threshold_per_mille = 500;
  terms.adversary = Adversary::kSemiHonest;
  Cohort lax(terms, 6, policy);
  lax.RunToRoster();
  CHECK(ReasonOf(lax[0].client->Receive(lax.server->RosterFor(0))) ==
        "the session offers threshold_per_mille 400, this client demands at "
        "least 500 (ClientOptions::secure_aggregation."
        "min_threshold_per_mille, --min-threshold)");
}

TEST_CASE("6: too few sharers, survivors or holders are refused") {
  Terms terms = SomeTerms(12);
  Policy policy = LenientPolicy();
  policy.min_survivors = 8;
  terms.min_survivors = 8;
  terms.min_cohort = 9;
  Cohort cohort(terms, 12, policy);
  cohort.RunToShares();
  RoutedShares routed = cohort.server->SharesFor(0);
  routed.sharers = Members(12);
  for (Index i = 0; i < 7; ++i) routed.sharers.Insert(i);
  CHECK(ReasonOf(cohort[0].client->Receive(routed)) ==
        "only 7 clients are left, not 8");
  Survivors survivors{Members(12)};
  for (Index i = 0; i < 7; ++i) survivors.members.Insert(i);
  REQUIRE(cohort[1].client->Receive(cohort.server->SharesFor(1)).ok());
  REQUIRE(cohort[1].client->MaskInput(cohort[1].input).ok());
  CHECK(ReasonOf(cohort[1].client->Receive(survivors)) ==
        "only 7 clients are left, not 8");

  Cohort others(SomeTerms(12), 12);
  others.RunToInputs();
  Survivors few{Members(12)};
  for (Index i = 0; i < 6; ++i) few.members.Insert(i);
  CHECK(ReasonOf(others[0].client->Receive(few)) ==
        "only 5 of this client's 11 holders are left, not 6");
  CHECK(ReasonOf(others[7].client->Receive(few)) ==
        "a set without this client");
}

TEST_CASE_METHOD(AdvertisementAttack,
                 "7: an advertisement of another round is refused") {
  Terms before = terms;
  before.round = terms.round - 1;
  CHECK(Refused([&](auto& advertisements) {
          advertisements[4] = Puppet("client-100004").Advertise(before);
        }) ==
        "neighbour 4: its advertisement is not signed by it for these terms");
}

TEST_CASE("7: shares and agreements of another session are worth nothing") {
  // The same clients, twice, so that everything but the keys is the same.
  Cohort before(SomeTerms(8), 8);
  Cohort now(SomeTerms(8), 8);
  before.RunToShares();
  now.RunToShares();
  CHECK(before.server->session() != now.server->session());
  RoutedShares routed = now.server->SharesFor(0);
  routed.shares[3] = before.server->SharesFor(0).shares[3];
  const auto input = now[0].client->Receive(routed);
  REQUIRE(input.ok());
  CHECK(input->unreadable == std::vector<Index>{4});

  before.SendInputs();
  REQUIRE_FALSE(before.CloseMasking().has_value());
  before.Agree();
  REQUIRE_FALSE(before.CloseAgreeing().has_value());
  Cohort third(SomeTerms(8), 8);
  third.RunToInputs();
  REQUIRE(third[0].client->Receive(third.server->AgreeOn()).ok());
  CHECK(ReasonOf(third[0].client->Receive(before.server->AgreementsFor(0))) ==
        "client 1 did not sign these sharers and survivors");
}

TEST_CASE("8: an input that comes after its client was given up stays hidden") {
  Cohort cohort(SomeTerms(8, 1'000), 8);
  cohort.DrawInputs(4);
  cohort.RunToShares();
  // Client 7 has sent its input, but the coordinator says it has not.
  REQUIRE(cohort[7].client->Receive(cohort.server->SharesFor(7)).ok());
  const auto late = cohort[7].client->MaskInput(cohort[7].input);
  REQUIRE(late.ok());
  cohort.SendInputs({7});
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  cohort.Agree();
  REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
  cohort.Unmask();
  auto outcome = cohort.server->CloseUnmasking();
  const auto& recovery = std::get<Recovery>(outcome);
  // The pair masks of client 7 are known now. They were taken out of the
  // others' inputs; out of its own they come with the other sign.
  MaskedSum sum(1'000, 32);
  sum.Add(0, 1'000, *late);
  auto masks = recovery.MasksOf(recovery.groups() - 1);
  CHECK(masks.size() == 7);
  sum.Apply(cohort.terms.cipher, masks, 0, 1'000);
  int same = 0;
  for (std::size_t i = 0; i < 1'000; ++i) {
    same += sum.At(i) == cohort[7].input[i] ? 1 : 0;
  }
  CHECK(same == 0);
}

TEST_CASE("8: a survivor that never shared its keys is refused") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToNeighbours();
  cohort.Share({8});
  REQUIRE_FALSE(cohort.CloseSharing().has_value());
  cohort.SendInputs();
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  Survivors more = cohort.server->AgreeOn();
  more.members.Insert(8);
  CHECK(ReasonOf(cohort[0].client->Receive(more)) ==
        "a survivor that never shared its keys");
}

TEST_CASE("9: a wrong share is refused, its giver known, and the sum right") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.DrawInputs(6);
  cohort.RunToAgreements();
  auto answer = cohort[2].client->Receive(cohort.server->AgreementsFor(2));
  REQUIRE(answer.ok());
  answer->shares[4].share.bytes()[0] ^= 1;
  CHECK(cohort.server->Accept(2, *answer) == Refusal::kWrongShare);
  cohort.Unmask({2});
  CHECK(cohort.server->IsComplete());
  const Result result = cohort.CloseUnmasking();
  REQUIRE(std::holds_alternative<Released>(result));
  CHECK(std::get<Released>(result).sum ==
        cohort.PlainSum({0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_CASE("9: an answer with other owners than its own is refused") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToAgreements();
  const auto answer =
      cohort[2].client->Receive(cohort.server->AgreementsFor(2));
  REQUIRE(answer.ok());
  const auto with = [&](const std::vector<Index>& owners) {
    Unmasking changed;
    for (const Index owner : owners) {
      for (const auto& share : answer->shares) {
        if (share.owner == owner) {
          changed.shares.push_back({owner, share.share.Copy()});
        }
      }
    }
    return cohort.server->Accept(2, changed);
  };
  CHECK(with({0, 1, 3, 4, 5, 6, 7}) == Refusal::kWrongOwners);
  CHECK(with({0, 1, 3, 4, 5, 6, 7, 8, 8}) == Refusal::kWrongOwners);
  CHECK(with({1, 0, 3, 4, 5, 6, 7, 8}) == Refusal::kWrongOwners);
  CHECK(with({0, 1, 3, 4, 5, 6, 7, 8}) == Refusal::kNone);
  CHECK(with({0, 1, 3, 4, 5, 6, 7, 8}) == Refusal::kAgain);
}

TEST_CASE("9: one garbled seal is reported, and the sum is right") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.DrawInputs(6);
  cohort.RunToNeighbours();
  for (Index i = 0; i < 9; ++i) {
    auto shares = cohort[i].client->Receive(cohort.server->NeighboursOf(i));
    REQUIRE(shares.ok());
    // One that does not open, one that is not what was committed to.
    if (i == 3) shares->shares[0].sealed[10] ^= 1;
    if (i == 4) shares->shares[1].self_mask[0] ^= 1;
    REQUIRE(cohort.server->Accept(i, *shares) == Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseSharing().has_value());
  cohort.sum.emplace(cohort.terms.length, cohort.terms.word_bits);
  for (Index i = 0; i < 9; ++i) {
    const auto header = cohort[i].client->Receive(cohort.server->SharesFor(i));
    REQUIRE(header.ok());
    CHECK(header->unreadable == (i == 0   ? std::vector<Index>{3}
                                 : i == 1 ? std::vector<Index>{4}
                                          : std::vector<Index>{}));
    const auto masked = cohort[i].client->MaskInput(cohort[i].input);
    REQUIRE(masked.ok());
    REQUIRE(cohort.server->Accept(i, *header) == Refusal::kNone);
    cohort.sum->Add(0, cohort.terms.length, *masked);
  }
  REQUIRE_FALSE(cohort.CloseMasking().has_value());
  cohort.Agree();
  REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
  cohort.Unmask();
  const Result result = cohort.CloseUnmasking();
  REQUIRE(std::holds_alternative<Released>(result));
  CHECK(std::get<Released>(result).sum ==
        cohort.PlainSum({0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_CASE("9: a client whose seals are garbage for all is blamed") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToNeighbours();
  for (Index i = 0; i < 9; ++i) {
    auto shares = cohort[i].client->Receive(cohort.server->NeighboursOf(i));
    if (i == 3) {
      for (auto& sealed : shares->shares) sealed.sealed[10] ^= 1;
    }
    REQUIRE(cohort.server->Accept(i, *shares) == Refusal::kNone);
  }
  REQUIRE_FALSE(cohort.CloseSharing().has_value());
  cohort.SendInputs();
  const auto abandoned = cohort.CloseMasking();
  REQUIRE(abandoned.has_value());
  CHECK(abandoned->reason == Reason::kTooFewHolders);
  CHECK(abandoned->count == 0);
  CHECK(abandoned->blamed == std::vector<Index>{3});
  CHECK(cohort.server->NameOf(3) == cohort[3].name);
}

TEST_CASE("9: a false complaint is of an owner whose shares one holds, once") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToShares();
  Server& server = *cohort.server;
  CHECK(server.Accept(2, MaskedInput{{2}}) == Refusal::kWrongOwners);
  CHECK(server.Accept(2, MaskedInput{{99}}) == Refusal::kWrongOwners);
  CHECK(server.Accept(2, MaskedInput{{4, 3}}) == Refusal::kWrongOwners);
  CHECK(server.Accept(2, MaskedInput{{3, 3}}) == Refusal::kWrongOwners);
  CHECK(server.Accept(2, MaskedInput{{3, 4}}) == Refusal::kNone);
  CHECK(server.Accept(2, MaskedInput{}) == Refusal::kAgain);
}

// A client that commits to, and seals, shares that make no secret of its: no
// two of its holders have points of one polynomial.
KeyShares Inconsistent(const Puppet& puppet, Index own, const Terms& terms,
                       const Digest& session,
                       const std::vector<Advertisement>& peers) {
  KeyShares message;
  SystemRandom random;
  Secret seed;
  random.Fill(seed.bytes());
  message.self_mask = CommitToSelfMask(session, own, seed);
  for (Index i = 0; i < peers.size(); ++i) {
    if (i == own) continue;
    HeldShares shares;
    random.Fill(shares.mask_key.bytes());
    random.Fill(shares.self_mask.bytes());
    const Passage passage{session, terms.round, own, i};
    SealedShares& sealed = message.shares.emplace_back();
    sealed.peer = i;
    sealed.mask_key =
        CommitToShare(ShareOf::kMaskKey, passage, shares.mask_key);
    sealed.self_mask =
        CommitToShare(ShareOf::kSelfMask, passage, shares.self_mask);
    sealed.sealed =
        Seal(puppet.channel_pair.Agree(PeerKey(peers[i].channel_key)).value(),
             passage, shares);
  }
  return message;
}

TEST_CASE("9: shares that make no secret end the session, its owner blamed") {
  for (const bool does_it_vanish : {false, true}) {
    Cohort cohort(SomeTerms(9), 8);
    Server& server = *cohort.server;
    std::vector<Advertisement> all;
    for (auto& member : cohort.members) {
      member.name = std::string(member.signer->credential().substr(9));
      all.push_back(member.client->Advertise().value());
      REQUIRE(server.Accept(all.back()) == Refusal::kNone);
    }
    const Puppet hostile("hostile");  // comes after "client-..."
    all.push_back(hostile.Advertise(cohort.terms));
    REQUIRE(server.Accept(all.back()) == Refusal::kNone);
    REQUIRE_FALSE(cohort.CloseAdvertising().has_value());
    REQUIRE(server.Accept(8, hostile.opening) == Refusal::kNone);
    cohort.Open();
    REQUIRE_FALSE(cohort.CloseOpening().has_value());
    REQUIRE(server.Accept(8, Inconsistent(hostile, 8, cohort.terms,
                                          server.session(), all)) ==
            Refusal::kNone);
    cohort.Share();
    REQUIRE_FALSE(cohort.CloseSharing().has_value());
    if (!does_it_vanish) {
      REQUIRE(server.Accept(8, MaskedInput{}) == Refusal::kNone);
    }
    cohort.SendInputs();
    REQUIRE_FALSE(cohort.CloseMasking().has_value());
    cohort.Agree();
    REQUIRE_FALSE(cohort.CloseAgreeing().has_value());
    cohort.Unmask();
    auto outcome = server.CloseUnmasking();
    REQUIRE(std::holds_alternative<Abandoned>(outcome));
    const auto& abandoned = std::get<Abandoned>(outcome);
    CHECK(abandoned.reason == Reason::kInconsistentSecret);
    CHECK(abandoned.blamed == std::vector<Index>{8});
  }
}

TEST_CASE("10: an input beyond the plan's bound shows in the sum") {
  // The library's client sends none; a hostile one does as it likes. A word
  // that stays within the bound says nothing: a client may lie about itself.
  // The coordinator ends such an attempt (integer_sum_test, secure_round_test).
  Cohort cohort(SomeTerms(6), 6);
  for (auto& member : cohort.members) member.input.assign(40, 1'000);
  cohort[5].input[7] = 1 << 20;
  const Result result = cohort.Run();
  REQUIRE(std::holds_alternative<Released>(result));
  for (std::size_t place = 0; place < 40; ++place) {
    INFO(place);
    CHECK((cohort.sum->At(place) > 6 * 1'000) == (place == 7));
  }
}

TEST_CASE("12: keys of low order are refused by both sides") {
  const Puppet hostile("zero");
  const Terms terms = SomeTerms(20);
  for (const auto key :
       {&Advertisement::mask_key, &Advertisement::channel_key}) {
    Advertisement zero = hostile.Advertise(terms);
    zero.*key = PublicKey{};
    zero.choice = CommitToChoice({}, zero.mask_key);
    zero = hostile.Signed(terms, zero);
    Cohort cohort(terms, 5);
    CHECK(cohort.server->Accept(zero) == Refusal::kBadKey);
  }
  AdvertisementAttack attack;
  CHECK(attack.Refused([&](auto& advertisements) {
    Advertisement zero = hostile.Advertise(terms);
    zero.channel_key = PublicKey{};
    advertisements.push_back(hostile.Signed(terms, zero));
  }) == "neighbour 5: its key is of low order");
}

// ---- the graph --------------------------------------------------------------

struct SparseFixture {
  SparseFixture() : cohort(Sparse(), 100) { cohort.RunToNeighbours(); }
  static Terms Sparse() {
    Terms terms = SomeTerms(100, 1);
    terms.dropped_per_mille = 50;
    return terms;
  }
  std::string Refused(std::vector<Neighbour> neighbours) {
    return ReasonOf(cohort[0].client->Receive(neighbours));
  }
  // The first neighbour that client 0 chose, or that chose it and was not.
  std::size_t PositionOf(bool is_holder) {
    const Graph graph(cohort.server->graph(), 100,
                      cohort.server->RosterFor(0).root);
    const auto neighbours = cohort.server->NeighboursOf(0);
    for (std::size_t i = 0; i < neighbours.size(); ++i) {
      const auto of = graph.Holders(neighbours[i].index, *neighbours[i].choice);
      const bool chose_0 = std::ranges::binary_search(of, Index{0});
      // One of the holders that did not choose client 0 back.
      if (is_holder && !chose_0) return i;
      if (!is_holder && chose_0) return i;
    }
    FAIL("no such neighbour");
    return 0;
  }
  Cohort cohort;
};

TEST_CASE_METHOD(SparseFixture, "a holder that is kept back is missed") {
  REQUIRE(cohort.server->graph().kind == GraphKind::kChosen);
  auto neighbours = cohort.server->NeighboursOf(0);
  const std::size_t at = PositionOf(true);
  const Index index = neighbours[at].index;
  neighbours.erase(neighbours.begin() + static_cast<std::ptrdiff_t>(at));
  CHECK(Refused(neighbours) ==
        "neighbour " + std::to_string(index) + ": it is missing");
}

TEST_CASE_METHOD(SparseFixture, "a neighbour that nobody chose is refused") {
  auto neighbours = cohort.server->NeighboursOf(0);
  Index stranger = 1;
  while (std::ranges::any_of(neighbours, [&](const Neighbour& neighbour) {
    return neighbour.index == stranger;
  })) {
    ++stranger;
  }
  for (const auto& neighbour : cohort.server->NeighboursOf(1)) {
    if (neighbour.index == stranger) neighbours.push_back(neighbour);
  }
  for (Index other = 2; neighbours.back().index != stranger; ++other) {
    for (const auto& neighbour : cohort.server->NeighboursOf(other)) {
      if (neighbour.index == stranger) neighbours.push_back(neighbour);
    }
  }
  CHECK(Refused(neighbours) ==
        "neighbour " + std::to_string(stranger) + ": it is none by the graph");
}

TEST_CASE_METHOD(SparseFixture,
                 "a choice other than was committed is refused") {
  auto neighbours = cohort.server->NeighboursOf(0);
  neighbours[0].choice->front() ^= 1;
  CHECK(Refused(neighbours) == "neighbour " +
                                   std::to_string(neighbours[0].index) +
                                   ": its choice is not what it committed to");
}

TEST_CASE_METHOD(SparseFixture, "a holder put in another's place is refused") {
  auto neighbours = cohort.server->NeighboursOf(0);
  // The place of the graph, the client of the coordinator.
  neighbours[0].advertisement = neighbours[1].advertisement;
  CHECK(Refused(neighbours) == "neighbour " +
                                   std::to_string(neighbours[0].index) +
                                   ": its advertisement is not in the tree");
}

TEST_CASE_METHOD(SparseFixture, "a neighbour sent twice is refused") {
  auto neighbours = cohort.server->NeighboursOf(0);
  neighbours.push_back(neighbours[0]);
  CHECK(Refused(neighbours) == "neighbour " +
                                   std::to_string(neighbours[0].index) +
                                   ": it was there already");
}

TEST_CASE_METHOD(SparseFixture, "an opening that breaks the commitment") {
  Cohort other(Sparse(), 100);
  other.RunToRoster();
  CHECK(other.server->Accept(0, Opening{}) == Refusal::kWrongChoice);
  CHECK(cohort.server->Accept(0, Opening{}) == Refusal::kWrongStep);
}

// ---- one unmasking quorum
// -----------------------------------------------------

TEST_CASE("agreements count once each, from surviving holders only") {
  Cohort cohort(SomeTerms(9), 9);
  cohort.RunToInputs();
  std::vector<SignedAgreement> agreements;
  for (Index i = 0; i < 9; ++i) {
    agreements.push_back(
        {i, cohort[i].client->Receive(cohort.server->AgreeOn())->signature});
  }
  const auto reason = [&](Index client, std::vector<SignedAgreement> some) {
    return ReasonOf(cohort[client].client->Receive(some));
  };
  CHECK(reason(0, {agreements[1], agreements[1], agreements[1], agreements[1],
                   agreements[1], agreements[1]}) ==
        "only 1 holders of this client agree, not 5");
  CHECK(reason(1, {agreements[1]}) ==
        "client 1 is no surviving holder of this one");
  SignedAgreement stolen = agreements[3];
  stolen.client = 4;
  CHECK(reason(2, {stolen}) ==
        "client 4 did not sign these sharers and survivors");
  CHECK(reason(3, {{77, ""}}) ==
        "client 77 is no surviving holder of this one");
  CHECK(reason(4, {}) == "only 0 holders of this client agree, not 5");
}

TEST_CASE("messages at another time than their own are refused") {
  Cohort cohort(SomeTerms(8), 8);
  Server& server = *cohort.server;
  CHECK(server.Accept(0, Opening{}) == Refusal::kWrongStep);
  CHECK(server.Accept(0, KeyShares{}) == Refusal::kWrongStep);
  CHECK(server.Accept(0, MaskedInput{}) == Refusal::kWrongStep);
  CHECK(server.Accept(0, Agreement{}) == Refusal::kWrongStep);
  CHECK(server.Accept(0, Unmasking{}) == Refusal::kWrongStep);
  CHECK_FALSE(server.IsComplete());
  cohort.RunToShares();
  CHECK(server.Accept(Puppet("late").Advertise(cohort.terms)) ==
        Refusal::kWrongStep);
  CHECK(server.Accept(0, KeyShares{}) == Refusal::kWrongStep);
  CHECK(server.Accept(99, MaskedInput{}) == Refusal::kWrongStep);
  CHECK(ReasonOf(cohort[0].client->Receive(server.RosterFor(0))) ==
        "a message at another time than its own");
  // And that was the end of it.
  CHECK(ReasonOf(cohort[0].client->Receive(server.SharesFor(0))) ==
        "the session is over");
}

TEST_CASE("shares for others than the holders are refused") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToNeighbours();
  auto shares = cohort[0].client->Receive(cohort.server->NeighboursOf(0));
  REQUIRE(shares.ok());
  KeyShares fewer = *shares;
  fewer.shares.pop_back();
  CHECK(cohort.server->Accept(0, fewer) == Refusal::kWrongHolders);
  KeyShares twice = *shares;
  twice.shares[0] = twice.shares[1];
  CHECK(cohort.server->Accept(0, twice) == Refusal::kWrongHolders);
  CHECK(cohort.server->Accept(0, *shares) == Refusal::kNone);
  CHECK(cohort.server->Accept(0, *shares) == Refusal::kAgain);
}

TEST_CASE("shares of others than the client's owners are refused") {
  Cohort cohort(SomeTerms(8), 8);
  cohort.RunToShares();
  RoutedShares kept_back = cohort.server->SharesFor(0);
  kept_back.shares.pop_back();
  CHECK(ReasonOf(cohort[0].client->Receive(kept_back)) ==
        "shares of others than those this client is to hold");
  RoutedShares without = cohort.server->SharesFor(1);
  Members others(8);
  for (Index i = 0; i < 8; ++i) {
    if (i != 1) others.Insert(i);
  }
  without.sharers = others;
  CHECK(ReasonOf(cohort[1].client->Receive(without)) ==
        "a set without this client");
  RoutedShares foreign = cohort.server->SharesFor(2);
  foreign.sharers = Members(9);
  CHECK(ReasonOf(cohort[2].client->Receive(foreign)) ==
        "a set of 9 clients, not of 8");
}

}  // namespace
}  // namespace tributary::secagg
