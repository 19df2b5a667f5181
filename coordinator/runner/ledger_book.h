// SPDX-License-Identifier: Apache-2.0
// The ledger of privacy as the coordinator goes on with it: where its chain of
// entries ends, and what each run and each population has spent. The entries
// themselves rest in the database alone.
//
// No model is released that is not paid for, whenever the process is killed,
// because of the order of things: the engine asks for a release with an effect;
// what Charge returns is committed, synced, in one batch with the event that
// the effect follows from; only then is the effect performed. A crash before
// that commit leaves neither event nor debit, and nothing was released. A crash
// after it leaves both: the replayed run releases the same sum, with noise drawn
// anew in place of one that nobody saw, and it is charged already; or, where
// masks are lost, it abandons the sum and pays again for the next attempt. So
// what is spent is never less than what is out.
//
// Threads: Load, then Expect, before all others; Charge on the engine thread;
// the rest any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/store/store.h"
#include "privacy/dp/ledger.h"

namespace tributary::coordinator {

// What to do about damage.
inline constexpr char kPutBack[] =
    "; put back a state folder with a whole ledger";
// In the message of a run that failed because a release was not charged.
inline constexpr char kNotCharged[] =
    " is not released, for it was not charged: ";

class LedgerBook {
 public:
  // Follows the chain through all entries. An error is one of the disk. One of
  // the ledger is none: damage() then says which entry is broken, and nothing
  // more can be charged.
  absl::Status Load(store::Store& store);
  // What else is known of a run: that it was charged so often. Fewer entries
  // are damage, which a chain whose end was cut off does not show of itself.
  void Expect(const std::string& run, std::int64_t debits);
  absl::Status damage() const;

  // The entry of a release, to be committed before the release is performed.
  // The error is damage(): nothing may be released.
  absl::StatusOr<store::DebitRelease> Charge(dp::Debit debit,
                                             std::vector<std::string> clients);
  // Whether this release was the last of its run that was charged.
  bool IsCharged(const std::string& run, int round, int attempt) const;

  dp::Spend OfRun(const std::string& run) const;
  dp::Spend OfPopulation(const std::string& population) const;

 private:
  struct Account {
    dp::Spend spend;
    std::pair<std::uint32_t, std::uint32_t> latest;  // round and attempt
  };
  // Under the lock.
  void Add(const dp::Debit& debit);

  mutable std::mutex mutex_;
  absl::Status damage_;
  dp::Chain chain_;
  std::map<std::string, Account> runs_;
  std::map<std::string, dp::Spend> populations_;
};

}  // namespace tributary::coordinator
