// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/ledger_book.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/ledger.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kPageBytes = 1 << 20;

// The entry that a row holds, if its columns say the same.
absl::StatusOr<dp::Entry> EntryOf(const store::LedgerRow& row) {
  absl::StatusOr<dp::Entry> entry = codec::ReadEntry(row.entry);
  if (!entry.ok()) return entry.status();
  const dp::Debit& debit = entry->debit;
  if (entry->number != static_cast<std::uint64_t>(row.seq) ||
      debit.population != row.population || debit.run != row.run ||
      debit.round != static_cast<std::uint32_t>(row.round) ||
      debit.attempt != static_cast<std::uint32_t>(row.attempt)) {
    return absl::DataLossError("its row is that of another release");
  }
  return entry;
}

}  // namespace

absl::Status LedgerBook::Load(store::Store& store) {
  const std::lock_guard lock(mutex_);
  while (true) {
    const auto number = static_cast<std::int64_t>(chain_.number());
    absl::StatusOr<std::vector<store::LedgerRow>> page =
        store.LedgerAfter(number, kPageBytes);
    if (absl::IsDataLoss(page.status())) {
      damage_ = page.status();
      return absl::OkStatus();
    }
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    for (const store::LedgerRow& row : *page) {
      absl::StatusOr<dp::Entry> entry = EntryOf(row);
      absl::Status status = entry.status();
      if (status.ok()) status = chain_.Check(*entry);
      if (!status.ok()) {
        damage_ = absl::DataLossError(
            absl::StrCat("the ledger of privacy is damaged at entry ", row.seq,
                         " (run ", row.run, ", round ", row.round,
                         "): ", std::string(status.message())));
        return absl::OkStatus();
      }
      Add(entry->debit);
    }
  }
}

void LedgerBook::Expect(const std::string& run, std::int64_t debits) {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run);
  const std::int64_t entries =
      found == runs_.end() ? 0 : found->second.spend.rounds();
  if (!damage_.ok() || entries >= debits) return;
  damage_ = absl::DataLossError(absl::StrCat(
      "the ledger of privacy is damaged after entry ", chain_.number(),
      ", its last: it has ", entries, " entries of run ", run,
      ", which was charged at least ", debits, " times"));
}

absl::Status LedgerBook::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

void LedgerBook::Add(const dp::Debit& debit) {
  Account& account = runs_[debit.run];
  account.spend.Add(debit);
  account.latest = {debit.round, debit.attempt};
  populations_[debit.population].Add(debit);
}

absl::StatusOr<store::DebitRelease> LedgerBook::Charge(
    dp::Debit debit, std::vector<std::string> clients) {
  const std::lock_guard lock(mutex_);
  if (!damage_.ok()) return damage_;
  const dp::Entry entry = chain_.Append(std::move(debit));
  Add(entry.debit);
  return store::DebitRelease{{.seq = static_cast<std::int64_t>(entry.number),
                              .population = entry.debit.population,
                              .run = entry.debit.run,
                              .round = static_cast<int>(entry.debit.round),
                              .attempt = static_cast<int>(entry.debit.attempt),
                              .entry = codec::ToBytes(entry)},
                             std::move(clients)};
}

bool LedgerBook::IsCharged(const std::string& run, int round,
                           int attempt) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run);
  return found != runs_.end() &&
         found->second.latest == std::pair(static_cast<std::uint32_t>(round),
                                           static_cast<std::uint32_t>(attempt));
}

dp::Spend LedgerBook::OfRun(const std::string& run) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run);
  return found == runs_.end() ? dp::Spend() : found->second.spend;
}

dp::Spend LedgerBook::OfPopulation(const std::string& population) const {
  const std::lock_guard lock(mutex_);
  const auto found = populations_.find(population);
  return found == populations_.end() ? dp::Spend() : found->second;
}

}  // namespace tributary::coordinator
