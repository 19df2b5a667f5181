// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/ledger.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/statement.h"

namespace tributary::dp {
namespace {

template <typename Enum>
std::uint64_t Number(Enum value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::string_view Name(Unit unit) {
  return unit == Unit::kClient ? "client" : "";
}

Digest HashOf(const Entry& entry) {
  const Debit& debit = entry.debit;
  const Mechanism& mechanism = debit.mechanism;
  Statement statement("tributary/ledger/v1", "entry");
  statement.Add(entry.number)
      .Add(entry.previous.AsBytes())
      .Add(debit.population)
      .Add(debit.run)
      .Add(std::uint64_t{debit.round})
      .Add(std::uint64_t{debit.attempt})
      .Add(Number(debit.unit))
      .Add(Number(debit.accountant))
      .AddReal(debit.delta)
      .AddReal(debit.clip_norm)
      .Add(std::uint64_t{debit.contributors})
      .Add(debit.plan.AsBytes())
      .Add(Number(mechanism.noise))
      .Add(Number(mechanism.sampling))
      .AddReal(mechanism.rate)
      .Add(Number(mechanism.neighbours))
      .Add(std::uint64_t{mechanism.statistics.size()});
  for (const Statistic& statistic : mechanism.statistics) {
    statement.Add(statistic.name)
        .Add(static_cast<std::uint64_t>(statistic.words))
        .AddReal(statistic.l1)
        .AddReal(statistic.l2)
        .AddReal(statistic.variance);
  }
  return statement.Hash();
}

Entry Chain::Append(Debit debit) {
  Entry entry{.number = number_ + 1,
              .debit = std::move(debit),
              .previous = head_,
              .hash = {}};
  entry.hash = HashOf(entry);
  number_ = entry.number;
  head_ = entry.hash;
  return entry;
}

absl::Status Chain::Check(const Entry& entry) {
  const auto broken = [&](const auto&... what) {
    return absl::DataLossError(
        absl::StrCat("ledger entry ", number_ + 1, ": ", what...));
  };
  if (entry.number != number_ + 1) {
    return broken("its place is taken by entry ", entry.number);
  }
  if (entry.previous != head_) {
    return broken("does not follow from the entry before it (run ",
                  entry.debit.run, ", round ", entry.debit.round, ")");
  }
  if (HashOf(entry) != entry.hash) {
    return broken("was changed after it was written (run ", entry.debit.run,
                  ", round ", entry.debit.round, ")");
  }
  number_ = entry.number;
  head_ = entry.hash;
  return absl::OkStatus();
}

absl::StatusOr<Ledger> Ledger::Replay(std::vector<Entry> entries) {
  Ledger ledger;
  for (const Entry& entry : entries) {
    if (auto status = ledger.chain_.Check(entry); !status.ok()) return status;
    const auto [there, is_new] = ledger.by_key_.emplace(
        entry.debit.Key(), static_cast<std::size_t>(entry.number - 1));
    if (!is_new) {
      return absl::DataLossError(absl::StrCat(
          "ledger entry ", entry.number, ": charges what entry ",
          there->second + 1, " has charged (run ", entry.debit.run, ", round ",
          entry.debit.round, ", attempt ", entry.debit.attempt, ")"));
    }
  }
  ledger.entries_ = std::move(entries);
  return ledger;
}

absl::StatusOr<Entry> Ledger::Append(Debit debit) {
  const auto there = by_key_.find(debit.Key());
  if (there != by_key_.end()) {
    const Entry& entry = entries_[there->second];
    if (entry.debit == debit) return entry;
    return absl::FailedPreconditionError(absl::StrCat(
        "run ", debit.run, ", round ", debit.round, ", attempt ", debit.attempt,
        " was charged otherwise by ledger entry ", entry.number));
  }
  entries_.push_back(chain_.Append(std::move(debit)));
  by_key_.emplace(entries_.back().debit.Key(), entries_.size() - 1);
  return entries_.back();
}

void Spend::Add(const Mechanism& mechanism, std::int64_t rounds, double delta,
                Accountant accountant) {
  if (rounds < 1) return;
  delta_ = rounds_ == 0 ? delta : std::min(delta_, delta);
  mechanisms_[mechanism] += rounds;
  accountants_.insert(accountant);
  rounds_ += rounds;
}

void Spend::Add(const Spend& other) {
  if (other.rounds_ == 0) return;
  delta_ = rounds_ == 0 ? other.delta_ : std::min(delta_, other.delta_);
  for (const auto& [mechanism, rounds] : other.mechanisms_) {
    mechanisms_[mechanism] += rounds;
  }
  accountants_.insert(other.accountants_.begin(), other.accountants_.end());
  rounds_ += other.rounds_;
}

std::vector<Charge> Spend::charges() const {
  std::vector<Charge> charges;
  charges.reserve(mechanisms_.size());
  for (const auto& [mechanism, rounds] : mechanisms_) {
    charges.push_back({mechanism, rounds});
  }
  return charges;
}

absl::StatusOr<Accountant> Spend::CommonAccountant() const {
  if (accountants_.empty()) return Accountant::kPld;
  if (accountants_.size() == 1) return *accountants_.begin();
  absl::Status status;
  for (const Accountant accountant : {Accountant::kRdp, Accountant::kPld}) {
    status = absl::OkStatus();
    for (const auto& [mechanism, rounds] : mechanisms_) {
      status.Update(Covers(accountant, mechanism));
    }
    if (status.ok()) return accountant;
  }
  return status;
}

absl::StatusOr<Spend::Epsilon> Spend::At(double delta) const {
  const auto accountant = CommonAccountant();
  if (!accountant.ok()) return accountant.status();
  const auto epsilon = dp::Epsilon(*accountant, charges(), delta);
  if (!epsilon.ok()) return epsilon.status();
  return Epsilon{
      .epsilon = *epsilon, .delta = delta, .accountant = *accountant};
}

}  // namespace tributary::dp
