// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/ledger.h"

#include <functional>
#include <string>
#include <vector>

#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

Debit DebitOf(std::uint32_t round, const std::string& run = "run-1") {
  return {.population = "sensors",
          .run = run,
          .round = round,
          .attempt = 1,
          .mechanism = {.sampling = Sampling::kPoisson,
                        .rate = 0.01,
                        .statistics = {{.name = "update",
                                        .words = 1'000,
                                        .l1 = 600'000,
                                        .l2 = 20'000,
                                        .variance = 4e8},
                                       {.name = "clip_count",
                                        .words = 1,
                                        .l1 = 1,
                                        .l2 = 1,
                                        .variance = 100}}},
          .delta = 1e-6,
          .clip_norm = 0.5,
          .contributors = 97,
          .plan = Sha256("plan")};
}

std::vector<Entry> Chained(std::uint32_t rounds) {
  Chain chain;
  std::vector<Entry> entries;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    entries.push_back(chain.Append(DebitOf(round)));
  }
  return entries;
}

TEST_CASE("a chain goes on where it ended, and ends where it did") {
  const std::vector<Entry> entries = Chained(5);
  CHECK(entries[0].number == 1);
  CHECK(entries[0].previous == Digest{});
  CHECK(entries[4].previous == entries[3].hash);
  Chain chain;
  for (const Entry& entry : entries) CHECK(chain.Check(entry).ok());
  CHECK(chain.number() == 5);
  CHECK(chain.head() == entries[4].hash);
  const auto ledger = Ledger::Replay(entries);
  REQUIRE(ledger.ok());
  CHECK(ledger->chain().head() == chain.head());
  CHECK(Ledger::Replay({}).ok());
}

TEST_CASE("the hash of an entry is that of its statement") {
  // The statement written down in Python with hashlib and struct.
  CHECK(Chained(1)[0].hash.Hex() ==
        "1973ebf1c5e011928394d38b2c183562c0c79f60958be9cd6098f967c80d5817");
}

TEST_CASE("a field of an entry cannot be changed unseen") {
  const std::vector<std::function<void(Entry&)>> changes = {
      [](Entry& e) { e.number = 7; },
      [](Entry& e) { e.debit.population = "sensor"; },
      [](Entry& e) { e.debit.run = "run-2"; },
      [](Entry& e) { e.debit.round += 1; },
      [](Entry& e) { e.debit.attempt += 1; },
      [](Entry& e) { e.debit.unit = static_cast<Unit>(1); },
      [](Entry& e) { e.debit.accountant = Accountant::kRdp; },
      [](Entry& e) { e.debit.delta = 1e-5; },
      [](Entry& e) { e.debit.clip_norm = 0.4; },
      [](Entry& e) { e.debit.contributors = 98; },
      [](Entry& e) { e.debit.plan = Sha256("another"); },
      [](Entry& e) { e.debit.mechanism.noise = Noise::kLocal; },
      [](Entry& e) { e.debit.mechanism.sampling = Sampling::kFixedSize; },
      [](Entry& e) { e.debit.mechanism.rate = 0.001; },
      [](Entry& e) { e.debit.mechanism.neighbours = Neighbours::kReplaceOne; },
      [](Entry& e) { e.debit.mechanism.statistics.pop_back(); },
      [](Entry& e) { e.debit.mechanism.statistics[0].name = "updat"; },
      [](Entry& e) { e.debit.mechanism.statistics[0].words = 999; },
      [](Entry& e) { e.debit.mechanism.statistics[0].l1 = 1; },
      [](Entry& e) { e.debit.mechanism.statistics[0].l2 = 1; },
      [](Entry& e) { e.debit.mechanism.statistics[0].variance = 5e8; },
      [](Entry& e) { e.previous.bytes[31] ^= 1; },
      [](Entry& e) { e.hash.bytes[0] ^= 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    INFO("change " << i);
    std::vector<Entry> entries = Chained(5);
    changes[i](entries[2]);
    const auto status = Ledger::Replay(entries).status();
    CHECK(status.code() == absl::StatusCode::kDataLoss);
    CHECK(std::string(status.message()).starts_with("ledger entry 3: "));
  }
}

TEST_CASE("entries cannot be taken out, moved or put in unseen") {
  const std::vector<Entry> entries = Chained(5);
  const auto message = [](const std::vector<Entry>& changed) {
    return std::string(Ledger::Replay(changed).status().message());
  };
  std::vector<Entry> changed = entries;
  changed.erase(changed.begin() + 1);
  CHECK(message(changed) == "ledger entry 2: its place is taken by entry 3");
  changed = entries;
  std::swap(changed[1], changed[3]);
  CHECK(message(changed) == "ledger entry 2: its place is taken by entry 4");
  // Made anew from the third on, but not the fourth.
  changed = entries;
  changed[2].debit.mechanism.statistics[0].variance = 9e8;
  changed[2].hash = HashOf(changed[2]);
  CHECK(message(changed) ==
        "ledger entry 4: does not follow from the entry before it (run run-1, "
        "round 4)");
}

TEST_CASE("a release is charged once, however often it is tried") {
  Ledger ledger;
  const Entry first = ledger.Append(DebitOf(1)).value();
  CHECK(ledger.Append(DebitOf(1)).value() == first);
  CHECK(ledger.entries().size() == 1);
  // Another attempt is another release.
  Debit again = DebitOf(1);
  again.attempt = 2;
  CHECK(ledger.Append(again).value().number == 2);
  Debit other = DebitOf(1);
  other.clip_norm = 0.7;
  CHECK(ledger.Append(other).status().message() ==
        "run run-1, round 1, attempt 1 was charged otherwise by ledger entry "
        "1");
  Chain chain;
  const std::vector<Entry> twice = {chain.Append(DebitOf(1)),
                                    chain.Append(DebitOf(1))};
  CHECK(Ledger::Replay(twice).status().message() ==
        "ledger entry 2: charges what entry 1 has charged (run run-1, round 1, "
        "attempt 1)");
}

TEST_CASE("what was spent is bit for bit the same from a replayed ledger") {
  CHECK(rc::check([] {
    // Clip norms move, and two runs take turns.
    Ledger ledger;
    Spend live;
    const int rounds = *rc::gen::inRange(1, 60);
    const bool is_distributed = *rc::gen::arbitrary<bool>();
    // PLD of sixty noise multipliers is not for a property.
    const Accountant accountant =
        is_distributed || rounds > 5 ? Accountant::kRdp : Accountant::kPld;
    for (int round = 1; round <= rounds; ++round) {
      Debit debit = DebitOf(static_cast<std::uint32_t>(round),
                            *rc::gen::element<std::string>("a", "b"));
      Mechanism& mechanism = debit.mechanism;
      if (is_distributed) mechanism.noise = Noise::kDistributed;
      const double norm = *rc::gen::inRange(10'000, 30'000);
      mechanism.rate = *rc::gen::element(0.01, 0.02);
      mechanism.statistics[0].l2 = norm;
      mechanism.statistics[0].l1 = 30 * norm;
      mechanism.statistics[0].variance = norm * norm;
      debit.accountant = accountant;
      live.Add(debit);
      RC_ASSERT(ledger.Append(std::move(debit)).ok());
    }
    const std::vector<Entry> entries(ledger.entries().begin(),
                                     ledger.entries().end());
    const auto replayed = Ledger::Replay(entries);
    RC_ASSERT(replayed.ok());
    Spend again;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      again.Add(entry->debit);
    }
    RC_ASSERT(live.At(1e-6)->epsilon == again.At(1e-6)->epsilon);
    RC_ASSERT(again.At(1e-6)->accountant == accountant);
    RC_ASSERT(live.rounds() == rounds);
  }));
}

TEST_CASE("runs of a population spend together") {
  Spend first;
  Spend second;
  for (std::uint32_t round = 1; round <= 100; ++round) {
    first.Add(DebitOf(round));
    second.Add(DebitOf(round, "run-2"));
  }
  Spend both = first;
  both.Add(second);
  Spend all;
  all.Add(DebitOf(1).mechanism, 200, 1e-7, Accountant::kPld);
  CHECK(both.At(1e-6)->epsilon == all.At(1e-6)->epsilon);
  CHECK(both.At(1e-6)->accountant == Accountant::kPld);
  CHECK(both.At(1e-6)->epsilon > first.At(1e-6)->epsilon);
  CHECK(both.rounds() == 200);
  both.Add(all);
  CHECK(both.delta() == 1e-7);
  CHECK(Spend().At(1e-6)->epsilon == 0);
  CHECK(Spend().delta() == 0);
}

TEST_CASE("debits of different accountants are added up by the loosest") {
  const auto spend_of = [](std::vector<Debit> debits) {
    Spend spend;
    for (const Debit& debit : debits) spend.Add(debit);
    return spend;
  };
  const Debit tight = DebitOf(1);
  Debit loose = DebitOf(2, "run-2");
  loose.accountant = Accountant::kRdp;
  const double both = spend_of({tight, loose}).At(1e-6)->epsilon;
  CHECK(spend_of({tight, loose}).CommonAccountant().value() ==
        Accountant::kRdp);
  CHECK(both == spend_of({loose, loose}).At(1e-6)->epsilon);
  CHECK(both > spend_of({tight, tight}).At(1e-6)->epsilon);
  Spend joined = spend_of({tight});
  joined.Add(spend_of({loose}));
  CHECK(joined.At(1e-6)->epsilon == both);
  // RDP has nothing for Poisson cohorts and a replaced client.
  Debit replaced = tight;
  replaced.mechanism.neighbours = Neighbours::kReplaceOne;
  Debit everybody = loose;
  everybody.mechanism.neighbours = Neighbours::kReplaceOne;
  everybody.mechanism.sampling = Sampling::kNone;
  CHECK(spend_of({replaced, everybody}).CommonAccountant().value() ==
        Accountant::kPld);
  // And PLD nothing for shares.
  everybody.mechanism.noise = Noise::kDistributed;
  CHECK(spend_of({replaced, everybody}).At(1e-6).status().code() ==
        absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace tributary::dp
