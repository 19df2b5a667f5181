// SPDX-License-Identifier: Apache-2.0
// The coordinator's database. A batch of changes is one transaction and one
// sync, so what Commit said is on the disk survives a kill -9, whole.
//
// Threads: one at a time.
// Failure: a batch that was not committed left nothing behind; commit it again.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "coordinator/store/records.h"

namespace tributary::store {

class Store {
 public:
  // Opens or creates FOLDER/tributary.db and brings it to this version.
  static absl::StatusOr<std::unique_ptr<Store>> Open(
      const std::filesystem::path& folder);

  // All changes, in order, or none. AlreadyExists if a row stands twice that
  // may stand once: the caller is wrong, not the disk.
  absl::Status Commit(const Batch& batch);

  absl::StatusOr<std::vector<RunRow>> Runs();
  // The latest `limit` rounds, oldest first.
  absl::StatusOr<std::vector<RoundRow>> Rounds(const std::string& run,
                                               int limit);
  absl::StatusOr<std::vector<ClientRow>> Clients();
  absl::StatusOr<std::vector<AggregatorRow>> Aggregators();
  // All updates of a run; of one state unless it is empty.
  absl::StatusOr<std::vector<UpdateRow>> Updates(const std::string& run,
                                                 std::string_view state);
  // Slots of the spool that hold accepted updates of any run.
  absl::StatusOr<std::set<std::int64_t>> SpooledSlots();
  // Entries of the ledger of privacy after `seq`, in order; all there are, or
  // as many as fit into `most_bytes` of entries, at least one. DataLoss if one
  // is missing.
  absl::StatusOr<std::vector<LedgerRow>> LedgerAfter(std::int64_t seq,
                                                     std::size_t most_bytes);
  // Who took part in charged releases: up to `limit` rows after this one, by
  // population and client.
  absl::StatusOr<std::vector<ParticipationRow>> ParticipationAfter(
      const std::string& population, const std::string& client, int limit);
  // The newest snapshot whose checksum is right, if there is one; `damaged`
  // counts those that were not.
  struct Snapshot {
    SnapshotRow row;
    int damaged = 0;
  };
  absl::StatusOr<Snapshot> LatestSnapshot(const std::string& run);
  // Events after `seq`, in order. DataLoss if one is missing.
  absl::StatusOr<std::vector<JournalRow>> JournalAfter(const std::string& run,
                                                       std::int64_t seq);
  // Rounds of a run whose model is kept.
  absl::StatusOr<std::map<int, Digest>> Models(const std::string& run);
  // Every model, first model and archive that some run keeps.
  absl::StatusOr<std::set<Digest>> KeptBlobs();

 private:
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace tributary::store
