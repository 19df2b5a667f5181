// SPDX-License-Identifier: Apache-2.0
// What a client says when it refuses, read by a coordinator for which all its
// peers work: it has opened the shares that the client sealed, recovered its
// secrets from them, and made those that the client holds, so it knows what to
// look for. Row 12 of the table in docs/secagg.md.
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "privacy/secagg/graph.h"
#include "privacy/secagg/sealed_share.h"
#include "privacy/secagg/shamir.h"
#include "tests/privacy/secagg/cohort.h"
#include "tests/privacy/secagg/hostile.h"

#include "tests/catch.h"

namespace tributary::secagg {
namespace {

constexpr Index kVictim = 0;
constexpr std::uint32_t kClients = 5;
constexpr std::uint32_t kWords = 200;
// Where the input has a word that is too large: that is a fact of it, too.
constexpr std::size_t kPlace = 137;

// What no text may have in it: any four bytes of a secret in a row, as they
// are, in hexadecimal or as a number; any number of the input.
class Secrets {
 public:
  void Add(std::span<const std::uint8_t> secret) {
    for (std::size_t at = 0; at + 4 <= secret.size(); ++at) {
      std::string part(reinterpret_cast<const char*>(secret.data() + at), 4);
      texts_.insert(part);
      texts_.insert(absl::BytesToHexString(part));
      texts_.insert(absl::AsciiStrToUpper(absl::BytesToHexString(part)));
      for (int order = 0; order < 2; ++order) {
        std::uint32_t number = 0;
        std::memcpy(&number, part.data(), 4);
        if (number >= 100'000) texts_.insert(absl::StrCat(number));
        part.assign(part.rbegin(), part.rend());
      }
    }
  }
  void Add(const Secret& secret) { Add(secret.bytes()); }
  void Add(std::int64_t number) {
    texts_.insert(absl::StrCat(number));
    texts_.insert(absl::StrCat(absl::Hex(number)));
  }
  bool AreIn(const std::string& text) const {
    for (const std::string& secret : texts_) {
      if (text.find(secret) != std::string::npos) return true;
    }
    return false;
  }

 private:
  std::set<std::string> texts_;
};

class Conspiracy {
 public:
  Conspiracy() {
    std::vector<Advertisement> all = {victim->Advertise().value()};
    for (Index i = 1; i < kClients; ++i) {
      puppets_.emplace_back(absl::StrCat("puppet-", i));
      all.push_back(puppets_.back().Advertise(terms));
      everybody.Insert(i);
    }
    everybody.Insert(kVictim);
    channel_key_ = all[kVictim].channel_key;
    server_.emplace(std::move(all));
    for (std::size_t i = 0; i < kWords; ++i) {
      input.push_back(100'000'019 + 1'003 * static_cast<std::int64_t>(i));
      secrets.Add(input.back());
    }
    secrets.Add(std::int64_t{kPlace});
  }

  // What an honest coordinator would say.
  Roster RosterNow() const { return server_->RosterFor(kVictim); }
  std::vector<Neighbour> NeighboursNow() {
    return server_->NeighboursOf(kVictim, std::vector<Opening>(kClients));
  }
  RoutedShares SharesNow() {
    RoutedShares routed{everybody, {}};
    for (Index i = 1; i < kClients; ++i) {
      HeldShares shares;
      SystemRandom().Fill(shares.mask_key.bytes());
      SystemRandom().Fill(shares.self_mask.bytes());
      secrets.Add(shares.mask_key);
      secrets.Add(shares.self_mask);
      const Passage passage{victim->session(), terms.round, i, kVictim};
      routed.shares.push_back(
          {i, Seal(ChannelOf(i), passage, shares),
           CommitToShare(ShareOf::kMaskKey, passage, shares.mask_key),
           CommitToShare(ShareOf::kSelfMask, passage, shares.self_mask)});
    }
    return routed;
  }
  std::vector<SignedAgreement> AgreementsNow() const {
    const std::string agreed =
        AgreedPart(victim->session(), everybody, everybody);
    std::vector<SignedAgreement> agreements;
    for (Index i = 1; i < kClients; ++i) {
      agreements.push_back(
          {i, TestSigner::SignatureOf(absl::StrCat("puppet-", i), agreed)});
    }
    return agreements;
  }

  // So many of the client's steps, all of them as they should be.
  void Run(int steps) {
    if (steps >= 1) REQUIRE(ReasonOf(victim->Receive(RosterNow())) == "");
    if (steps >= 2) {
      const auto shares = victim->Receive(NeighboursNow());
      REQUIRE(ReasonOf(shares) == "");
      Learn(*shares);
    }
    if (steps >= 3) REQUIRE(ReasonOf(victim->Receive(SharesNow())) == "");
    if (steps >= 4) REQUIRE(ReasonOf(victim->MaskInput(input)) == "");
    if (steps >= 5) {
      REQUIRE(ReasonOf(victim->Receive(Survivors{everybody})) == "");
    }
    if (steps >= 6) REQUIRE(ReasonOf(victim->Receive(AgreementsNow())) == "");
  }

  const Terms terms = SomeTerms(kClients, kWords);
  TestSigner signer{"victim"};
  TestAuthority authority;
  MemorySessions answered;
  std::optional<Client> victim =
      Client::Make(terms, LenientPolicy(), signer, authority, answered).value();
  std::vector<std::int64_t> input;
  Members everybody{kClients};
  Secrets secrets;
  bool knows_its_seeds = false;

 private:
  Secret ChannelOf(Index puppet) const {
    return puppets_[puppet - 1]
        .channel_pair.Agree(PeerKey(channel_key_))
        .value();
  }
  // Opens what it sealed, and recovers its two secrets.
  void Learn(const KeyShares& sealed) {
    const GraphParameters parameters =
        ChooseGraph(terms.RiskOf(kClients)).value();
    std::vector<Index> holders;
    std::vector<HeldShares> opened;
    for (const SealedShares& each : sealed.shares) {
      const Passage passage{victim->session(), terms.round, kVictim, each.peer};
      opened.push_back(
          Open(ChannelOf(each.peer), passage, each.sealed).value());
      secrets.Add(opened.back().mask_key);
      secrets.Add(opened.back().self_mask);
      holders.push_back(each.peer);
    }
    const Graph graph(parameters, kClients, RosterNow().root);
    auto places = graph.Places(holders);
    places.resize(parameters.threshold);
    const ShareRecovery recovery(places);
    std::vector<const Secret*> key_shares;
    std::vector<const Secret*> seed_shares;
    for (std::uint32_t i = 0; i < parameters.threshold; ++i) {
      key_shares.push_back(&opened[i].mask_key);
      seed_shares.push_back(&opened[i].self_mask);
    }
    const Secret key = recovery.Recover(key_shares);
    const Secret seed = recovery.Recover(seed_shares);
    knows_its_seeds = CommitToSelfMask(victim->session(), kVictim, seed) ==
                          sealed.self_mask &&
                      KeyPair::FromSecret(key).public_key() == NeighbourKey();
    secrets.Add(key);
    secrets.Add(seed);
  }
  PublicKey NeighbourKey() {
    return server_->NeighboursOf(1, std::vector<Opening>(kClients))
        .front()
        .advertisement.mask_key;
  }

  std::vector<Puppet> puppets_;
  PublicKey channel_key_{};
  std::optional<HostileServer> server_;
};

// After so many honest steps, the reason for which this is refused.
struct Attack {
  const char* name;
  int steps;
  std::function<std::string(Conspiracy&)> say;
};

std::vector<Attack> Attacks() {
  std::vector<Attack> attacks;
  const auto roster = [&](const char* name, void (*change)(Roster&)) {
    attacks.push_back({name, 0, [change](Conspiracy& them) {
                         Roster said = them.RosterNow();
                         change(said);
                         return ReasonOf(them.victim->Receive(said));
                       }});
  };
  roster("another root", [](Roster& said) { said.root.bytes[0] ^= 1; });
  roster("another place", [](Roster& said) { said.index = 3; });
  roster("no proof", [](Roster& said) { said.proof.clear(); });
  roster("a cohort of one", [](Roster& said) { said.clients = 1; });
  roster("a huge cohort", [](Roster& said) { said.clients = 1 << 20; });

  using Neighbours = std::vector<Neighbour>;
  const auto neighbours = [&](const char* name, void (*change)(Neighbours&)) {
    attacks.push_back({name, 1, [change](Conspiracy& them) {
                         Neighbours said = them.NeighboursNow();
                         change(said);
                         return ReasonOf(them.victim->Receive(said));
                       }});
  };
  neighbours("one kept back", [](Neighbours& said) { said.pop_back(); });
  neighbours("one twice", [](Neighbours& said) { said.push_back(said[0]); });
  neighbours("a stranger", [](Neighbours& said) { said[1].index = 77; });
  neighbours("a swapped key", [](Neighbours& said) {
    said[1].advertisement.mask_key = KeyPair::Generate().public_key();
  });
  neighbours("a forged signature", [](Neighbours& said) {
    said[1].advertisement.signature = "forged";
  });
  neighbours("nobody enrolled", [](Neighbours& said) {
    said[1].advertisement.credential = "invented";
  });
  neighbours("another choice",
             [](Neighbours& said) { said[2].choice->front() ^= 1; });

  const auto shares = [&](const char* name, void (*change)(RoutedShares&)) {
    attacks.push_back({name, 2, [change](Conspiracy& them) {
                         RoutedShares said = them.SharesNow();
                         change(said);
                         return ReasonOf(them.victim->Receive(said));
                       }});
  };
  shares("shares kept back",
         [](RoutedShares& said) { said.shares.pop_back(); });
  shares("shares in another order",
         [](RoutedShares& said) { std::swap(said.shares[0], said.shares[1]); });
  shares("nobody shared",
         [](RoutedShares& said) { said.sharers = Members(kClients); });
  shares("sharers of another cohort",
         [](RoutedShares& said) { said.sharers = Members(9); });

  const auto mask = [&](const char* name,
                        void (*change)(std::vector<std::int64_t>&)) {
    attacks.push_back({name, 3, [change](Conspiracy& them) {
                         std::vector<std::int64_t> words = them.input;
                         change(words);
                         for (const std::int64_t word : words) {
                           them.secrets.Add(word);
                         }
                         return ReasonOf(them.victim->MaskInput(words));
                       }});
  };
  mask("an input too short", [](auto& words) { words.pop_back(); });
  mask("a word too large", [](auto& words) { words[kPlace] = 987'654'321; });
  mask("a word too small", [](auto& words) { words[kPlace] = -987'654'321; });

  const auto survivors = [&](const char* name, std::vector<Index> alive) {
    attacks.push_back({name, 4, [alive](Conspiracy& them) {
                         Survivors said{Members(kClients)};
                         for (const Index i : alive) said.members.Insert(i);
                         return ReasonOf(them.victim->Receive(said));
                       }});
  };
  survivors("survivors without the client", {1, 2, 3, 4});
  survivors("the client alone", {kVictim});
  survivors("too few holders", {kVictim, 1});

  using Agreements = std::vector<SignedAgreement>;
  const auto agreements = [&](const char* name, void (*change)(Agreements&)) {
    attacks.push_back({name, 5, [change](Conspiracy& them) {
                         Agreements said = them.AgreementsNow();
                         change(said);
                         return ReasonOf(them.victim->Receive(said));
                       }});
  };
  agreements("nobody agrees", [](Agreements& said) { said.clear(); });
  agreements("one signed for all",
             [](Agreements& said) { said.assign(kClients, said.front()); });
  agreements("a forged agreement",
             [](Agreements& said) { said[2].signature = "forged"; });
  agreements("a stranger agrees",
             [](Agreements& said) { said[2].client = 77; });
  attacks.push_back(
      {"an answer given before", 5, [](Conspiracy& them) {
         REQUIRE(them.answered.Remember(them.victim->session()).ok());
         return ReasonOf(them.victim->Receive(them.AgreementsNow()));
       }});

  // Each message at each time that is not its own.
  for (int steps = 0; steps <= 6; ++steps) {
    const auto early_or_late = [&](const char* name, int own, auto say) {
      if (steps != own) attacks.push_back({name, steps, say});
    };
    early_or_late("a roster at another time", 0, [](Conspiracy& them) {
      return ReasonOf(them.victim->Receive(them.RosterNow()));
    });
    early_or_late("neighbours at another time", 1, [](Conspiracy& them) {
      return ReasonOf(them.victim->Receive(them.NeighboursNow()));
    });
    early_or_late("shares at another time", 2, [](Conspiracy& them) {
      return ReasonOf(them.victim->Receive(them.SharesNow()));
    });
    early_or_late("an input at another time", 3, [](Conspiracy& them) {
      return ReasonOf(them.victim->MaskInput(them.input));
    });
    early_or_late("survivors at another time", 4, [](Conspiracy& them) {
      return ReasonOf(them.victim->Receive(Survivors{them.everybody}));
    });
    early_or_late("agreements at another time", 5, [](Conspiracy& them) {
      return ReasonOf(them.victim->Receive(them.AgreementsNow()));
    });
  }
  return attacks;
}

TEST_CASE("12: no refusal tells a secret, to whoever knows them all") {
  for (const Attack& attack : Attacks()) {
    Conspiracy them;
    them.Run(attack.steps);
    CHECK(them.knows_its_seeds == (attack.steps >= 2));
    const std::string reason = attack.say(them);
    INFO(attack.name << " after " << attack.steps << " steps: " << reason);
    CHECK(reason != "");
    CHECK_FALSE(them.secrets.AreIn(reason));
  }
}

TEST_CASE("12: a secret that is told is found, however it is written") {
  Secret secret;
  SystemRandom().Fill(secret.bytes());
  Secrets secrets;
  secrets.Add(secret);
  secrets.Add(std::int64_t{-987'654'321});
  CHECK_FALSE(secrets.AreIn("neighbour 4: its key is another's too"));
  const std::string part(
      reinterpret_cast<const char*>(secret.bytes().data()) + 9, 4);
  std::uint32_t number = 0;
  std::memcpy(&number, part.data(), 4);
  const std::string hex = absl::BytesToHexString(part);
  CHECK(secrets.AreIn("a share of " + part));
  CHECK(secrets.AreIn("a share of 0x" + hex + "..."));
  CHECK(secrets.AreIn("a share of " + absl::AsciiStrToUpper(hex)));
  if (number >= 100'000) CHECK(secrets.AreIn(absl::StrCat("of ", number, ".")));
  CHECK(secrets.AreIn("word 7 is -987654321"));
}

}  // namespace
}  // namespace tributary::secagg
