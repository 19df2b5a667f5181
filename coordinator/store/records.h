// SPDX-License-Identifier: Apache-2.0
// Rows of the database as values, and the changes a batch can make to them. A
// change says what has happened; a batch of them is one transaction.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "privacy/crypto/digest.h"

namespace tributary::store {

struct RunRow {
  std::string run;
  std::int64_t number = 0;  // 1, 2, ... in order of submission
  std::string plan;         // serialised tributary.v1.Plan
  std::string key;          // 32 bytes
  Digest first_model;
  std::string archive;  // 32 bytes, or empty
  int state = 0;        // tributary.v1.RunState
  std::string message;
  std::int64_t submitted = 0;  // milliseconds since 1970
  // Most releases its privacy budgets allow; none without a budget.
  std::optional<int> max_debits;
  // Of an aggregator's run its own in the parent's tree; 0: no parent's run.
  int tier = 0;
};

struct RoundRow {
  // What its updates said of themselves, together.
  struct Aggregates {
    std::uint64_t total_weight = 0;
    double train_loss = 0;
  };

  int round = 0;
  int attempts = 0;
  Digest model;
  int accepted = 0;
  std::optional<Aggregates> aggregates;  // none: they say nothing
  double seconds = 0;
  std::map<std::string, double> metrics;
};

struct ClientRow {
  std::string client;
  std::string population;
  int role = 0;
  std::int64_t last_seen = 0;  // milliseconds since 1970
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
};

// An update that counts, and where its bytes are until its round is released.
struct UpdateRow {
  int round = 0;
  int attempt = 0;
  std::string client;
  std::array<std::uint8_t, 16> token{};
  std::uint64_t weight = 0;
  std::int64_t slot = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;  // XXH3-64
  // Of a partial sum: how many are in it. 0: it is one client's update.
  std::uint32_t leaves = 0;
  std::string state;  // "accepted", "committed", "void"
};

// What is kept of an aggregator's sessions (coordinator/tree/epoch_fence.h);
// each epoch is at most its session, and what was used at most what was
// offered.
struct AggregatorRow {
  std::string aggregator;
  std::uint64_t used_session = 0;
  std::uint64_t used_epoch = 0;
  std::uint64_t offered_session = 0;
  std::uint64_t offered_epoch = 0;
};

// What the release of a round costs, as the ledger of privacy has it.
struct LedgerRow {
  std::int64_t seq = 0;  // 1, 2, ... over all runs
  std::string population;
  std::string run;
  int round = 0;
  int attempt = 0;
  std::string entry;  // serialised tributary.v1.LedgerEntry
};

// In how many charged releases a client's update was.
struct ParticipationRow {
  std::string population;
  std::string client;
  std::int64_t rounds = 0;
};

struct JournalRow {
  std::int64_t seq = 0;
  std::string event;
};
struct SnapshotRow {
  std::int64_t seq = 0;  // of the last event in it
  std::string state;
};

// ---- changes ----
struct AddRun {
  RunRow row;
};
struct SetRunState {
  std::string run;
  int state = 0;
  std::string message;
};
struct AppendEvent {
  std::string run;
  JournalRow row;
};
// Keeps this snapshot and the one before it, and the events after that one.
struct SaveSnapshot {
  std::string run;
  SnapshotRow row;
};
struct CountUpdate {
  std::string run;
  UpdateRow row;
};
struct CommitUpdates {
  std::string run;
  int round = 0;
  int attempt = 0;
};
struct VoidUpdates {
  std::string run;
  int round = 0;
  int attempt = 0;
};
// Of the rounds before `round`; those that are accepted stay.
struct ForgetUpdates {
  std::string run;
  int round = 0;
};
// Charges a release, to the population's ledger and to each client whose update
// is in it. A release is charged once: AlreadyExists for a second time.
struct DebitRelease {
  LedgerRow row;
  std::vector<std::string> clients;
};
struct SaveRound {
  std::string run;
  RoundRow row;
};
// An aggregator's round that was handed up, in an attempt that the parent gave
// up after all: its record goes and its updates are void.
struct TakeRoundBack {
  std::string run;
  int round = 0;
};
struct SaveMetrics {
  std::string run;
  int round = 0;
  std::map<std::string, double> metrics;
};
struct KeepModel {
  std::string run;
  int round = 0;
  Digest model;
};
struct ForgetModel {
  std::string run;
  int round = 0;
};
struct SaveClient {
  ClientRow row;
};
struct SaveAggregator {
  AggregatorRow row;
};
using Change =
    std::variant<AddRun, SetRunState, AppendEvent, SaveSnapshot, CountUpdate,
                 CommitUpdates, VoidUpdates, ForgetUpdates, DebitRelease,
                 SaveRound, TakeRoundBack, SaveMetrics, KeepModel, ForgetModel,
                 SaveClient, SaveAggregator>;
using Batch = std::vector<Change>;

}  // namespace tributary::store
