// SPDX-License-Identifier: Apache-2.0
// What was spent: an entry for each release, chained by hashes, so that none
// can be changed, moved or taken out later without a trace. Pure: who keeps the
// entries makes each durable before the release that it stands for.
// Values; any thread.
//
// The chain shows what was done to its entries, not that its end was cut off or
// that it was made anew as a whole: note its head somewhere else.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/digest.h"
#include "privacy/dp/mechanism.h"

namespace tributary::dp {

// Whose data neighbouring populations differ in.
enum class Unit {
  kClient,  // one client with all of its examples
};
// "client".
std::string_view Name(Unit unit);

// What the release of one round costs. A release is charged even if a crash
// keeps it from happening.
struct Debit {
  std::string population;
  std::string run;
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;
  Mechanism mechanism;
  Unit unit = Unit::kClient;
  // What the run's budget is reckoned with; it covers the mechanism.
  Accountant accountant = Accountant::kPld;
  double delta = 0;
  // Of the updates, as clients measured it.
  double clip_norm = 0;
  // Whose updates are in the sum. For the operator alone.
  std::uint32_t contributors = 0;
  // SHA-256 of the plan that ran: another plan shows, whatever it changed.
  Digest plan;

  // What is charged once, however often it is tried.
  auto Key() const { return std::tie(run, round, attempt); }
  friend bool operator==(const Debit&, const Debit&) = default;
};

struct Entry {
  std::uint64_t number = 0;  // 1, 2, ...
  Debit debit;
  Digest previous;  // of the entry before; zeros of the first
  Digest hash;      // HashOf this one

  friend bool operator==(const Entry&, const Entry&) = default;
};

// SHA-256 of all its fields but `hash`.
Digest HashOf(const Entry& entry);

// Where a chain ends: all that is needed to go on with it.
class Chain {
 public:
  std::uint64_t number() const { return number_; }  // 0: no entry yet
  const Digest& head() const { return head_; }

  // The entry that comes next; the chain ends with it.
  Entry Append(Debit debit);
  // Goes on with an entry that was written before. DATA_LOSS naming it, and the
  // chain stays as it is, if it is not the one that comes next, or was changed.
  absl::Status Check(const Entry& entry);

 private:
  std::uint64_t number_ = 0;
  Digest head_;
};

// A chain with all of its entries: of a simulation, or read to be judged.
class Ledger {
 public:
  // DATA_LOSS naming the first entry that is broken, or charged twice.
  static absl::StatusOr<Ledger> Replay(std::vector<Entry> entries);

  // The entry of this release: a new one, or the one there is. The release of
  // one round and attempt cannot cost two things: FAILED_PRECONDITION.
  absl::StatusOr<Entry> Append(Debit debit);
  std::span<const Entry> entries() const { return entries_; }
  const Chain& chain() const { return chain_; }

 private:
  Chain chain_;
  std::vector<Entry> entries_;
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::size_t>
      by_key_;
};

// What debits add up to, of a run or of a population: equal mechanisms are
// counted, so it is small however long the ledger is.
class Spend {
 public:
  void Add(const Debit& debit) {
    Add(debit.mechanism, 1, debit.delta, debit.accountant);
  }
  // Rounds that may still come count like those that came: what a run that goes
  // on has reserved.
  void Add(const Mechanism& mechanism, std::int64_t rounds, double delta,
           Accountant accountant);
  void Add(const Spend& other);

  std::int64_t rounds() const { return rounds_; }
  // The smallest of the debits' own; 0 if there are none.
  double delta() const { return delta_; }
  std::vector<Charge> charges() const;

  // That of the debits. Of different ones the loosest that covers all: RDP, or
  // else PLD; UNIMPLEMENTED if neither does. PLD of none.
  absl::StatusOr<Accountant> CommonAccountant() const;

  // By CommonAccountant. 0 of none. Bit for bit the same for the same debits,
  // in whatever order. UNIMPLEMENTED as in mechanism.h.
  struct Epsilon {
    double epsilon = 0;
    double delta = 0;
    Accountant accountant = Accountant::kPld;
  };
  absl::StatusOr<Epsilon> At(double delta) const;

 private:
  std::map<Mechanism, std::int64_t> mechanisms_;
  std::set<Accountant> accountants_;
  std::int64_t rounds_ = 0;
  double delta_ = 0;
};

}  // namespace tributary::dp
