// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/store/change.h"
#include "coordinator/store/schema.h"

namespace tributary::store {
namespace {

absl::StatusOr<Digest> DigestAt(const Query& query, int column) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(query.Bytes(column));
  if (!digest.ok()) return absl::DataLossError("a digest is not 32 bytes");
  return digest;
}

}  // namespace

Store::Store(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(
    const std::filesystem::path& folder) {
  absl::StatusOr<std::unique_ptr<Database>> database =
      Database::Open(folder / "tributary.db");
  if (!database.ok()) return database.status();
  if (absl::Status status = Migrate(**database); !status.ok()) return status;
  return std::unique_ptr<Store>(new Store(*std::move(database)));
}

absl::Status Store::Commit(const Batch& batch) {
  if (batch.empty()) return absl::OkStatus();
  absl::Status status = database_->Execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  for (const Change& change : batch) {
    status = Apply(change, *database_);
    if (!status.ok()) break;
  }
  if (status.ok()) status = database_->Execute("COMMIT");
  // SQLite may have rolled back on its own; a second time does no harm.
  if (!status.ok()) (void)database_->Execute("ROLLBACK");
  return status;
}

absl::StatusOr<std::vector<RunRow>> Store::Runs() {
  std::vector<RunRow> rows;
  Query query(*database_, "SELECT * FROM runs ORDER BY number");
  while (query.Next()) {
    absl::StatusOr<Digest> first = DigestAt(query, 4);
    if (!first.ok()) return first.status();
    rows.push_back({.run = query.Bytes(0),
                    .number = query.Integer(1),
                    .plan = query.Bytes(2),
                    .key = query.Bytes(3),
                    .first_model = *first,
                    .archive = query.Bytes(5),
                    .state = static_cast<int>(query.Integer(6)),
                    .message = query.Bytes(7),
                    .submitted = query.Integer(8),
                    .max_debits = {},
                    .tier = static_cast<int>(query.Integer(10))});
    if (!query.IsNull(9)) {
      rows.back().max_debits = static_cast<int>(query.Integer(9));
    }
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::vector<RoundRow>> Store::Rounds(const std::string& run,
                                                    int limit) {
  std::vector<RoundRow> rows;
  {
    Query query(*database_,
                "SELECT round, attempts, model, accepted, total_weight, "
                "train_loss, seconds FROM rounds WHERE run = ? "
                "ORDER BY round DESC LIMIT ?");
    query.Bind(run).Bind(std::int64_t{limit});
    while (query.Next()) {
      absl::StatusOr<Digest> model = DigestAt(query, 2);
      if (!model.ok()) return model.status();
      rows.push_back({.round = static_cast<int>(query.Integer(0)),
                      .attempts = static_cast<int>(query.Integer(1)),
                      .model = *model,
                      .accepted = static_cast<int>(query.Integer(3)),
                      .aggregates = {},
                      .seconds = query.Real(6),
                      .metrics = {}});
      if (!query.IsNull(4)) {
        rows.back().aggregates = {
            .total_weight = static_cast<std::uint64_t>(query.Integer(4)),
            .train_loss = query.Real(5)};
      }
    }
    if (!query.status().ok()) return query.status();
  }
  std::reverse(rows.begin(), rows.end());
  for (RoundRow& row : rows) {
    Query query(*database_,
                "SELECT name, value FROM metrics WHERE run = ? AND round = ?");
    query.Bind(run).Bind(std::int64_t{row.round});
    while (query.Next()) row.metrics[query.Bytes(0)] = query.Real(1);
    if (!query.status().ok()) return query.status();
  }
  return rows;
}

absl::StatusOr<std::vector<ClientRow>> Store::Clients() {
  std::vector<ClientRow> rows;
  Query query(*database_, "SELECT * FROM clients ORDER BY client");
  while (query.Next()) {
    rows.push_back({.client = query.Bytes(0),
                    .population = query.Bytes(1),
                    .role = static_cast<int>(query.Integer(2)),
                    .last_seen = query.Integer(3),
                    .accepted = static_cast<std::uint64_t>(query.Integer(4)),
                    .refused = static_cast<std::uint64_t>(query.Integer(5))});
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::vector<AggregatorRow>> Store::Aggregators() {
  std::vector<AggregatorRow> rows;
  Query query(*database_, "SELECT * FROM aggregators ORDER BY aggregator");
  while (query.Next()) {
    const auto number = [&query](int column) {
      return static_cast<std::uint64_t>(query.Integer(column));
    };
    rows.push_back({.aggregator = query.Bytes(0),
                    .used_session = number(1),
                    .used_epoch = number(2),
                    .offered_session = number(3),
                    .offered_epoch = number(4)});
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::vector<UpdateRow>> Store::Updates(const std::string& run,
                                                      std::string_view state) {
  std::vector<UpdateRow> rows;
  Query query(*database_,
              "SELECT round, attempt, client, token, weight, slot, size, "
              "checksum, leaves, state FROM updates WHERE run = ? AND "
              "(state = ?2 OR ?2 = '') ORDER BY round, attempt, client");
  query.Bind(run).Bind(state);
  while (query.Next()) {
    UpdateRow row{.round = static_cast<int>(query.Integer(0)),
                  .attempt = static_cast<int>(query.Integer(1)),
                  .client = query.Bytes(2),
                  .token = {},
                  .weight = static_cast<std::uint64_t>(query.Integer(4)),
                  .slot = query.Integer(5),
                  .size = static_cast<std::uint64_t>(query.Integer(6)),
                  .checksum = static_cast<std::uint64_t>(query.Integer(7)),
                  .leaves = static_cast<std::uint32_t>(query.Integer(8)),
                  .state = query.Bytes(9)};
    const std::string token = query.Bytes(3);
    if (token.size() != row.token.size()) {
      return absl::DataLossError("a task token is not 16 bytes");
    }
    std::memcpy(row.token.data(), token.data(), token.size());
    rows.push_back(std::move(row));
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::set<std::int64_t>> Store::SpooledSlots() {
  std::set<std::int64_t> slots;
  Query query(*database_, "SELECT slot FROM updates WHERE state = 'accepted'");
  while (query.Next()) slots.insert(query.Integer(0));
  if (!query.status().ok()) return query.status();
  return slots;
}

absl::StatusOr<std::vector<LedgerRow>> Store::LedgerAfter(
    std::int64_t seq, std::size_t most_bytes) {
  std::vector<LedgerRow> rows;
  std::size_t bytes = 0;
  Query query(*database_, "SELECT * FROM ledger WHERE seq > ? ORDER BY seq");
  query.Bind(seq);
  while (query.Next()) {
    LedgerRow row{.seq = query.Integer(0),
                  .population = query.Bytes(1),
                  .run = query.Bytes(2),
                  .round = static_cast<int>(query.Integer(3)),
                  .attempt = static_cast<int>(query.Integer(4)),
                  .entry = query.Bytes(5)};
    if (row.seq != ++seq) {
      return absl::DataLossError(
          absl::StrCat("the ledger of privacy is damaged at entry ", seq,
                       ": it is missing"));
    }
    bytes += row.entry.size();
    if (!rows.empty() && bytes > most_bytes) return rows;
    rows.push_back(std::move(row));
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::vector<ParticipationRow>> Store::ParticipationAfter(
    const std::string& population, const std::string& client, int limit) {
  std::vector<ParticipationRow> rows;
  Query query(*database_,
              "SELECT * FROM participation WHERE (population, client) > (?,?) "
              "ORDER BY population, client LIMIT ?");
  query.Bind(population).Bind(client).Bind(std::int64_t{limit});
  while (query.Next()) {
    rows.push_back({.population = query.Bytes(0),
                    .client = query.Bytes(1),
                    .rounds = query.Integer(2)});
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<Store::Snapshot> Store::LatestSnapshot(const std::string& run) {
  Snapshot snapshot;
  Query query(*database_,
              "SELECT seq, state, checksum FROM snapshots WHERE run = ? "
              "ORDER BY seq DESC");
  query.Bind(run);
  while (query.Next()) {
    std::string state = query.Bytes(1);
    if (ChecksumOf(state) == query.Integer(2)) {
      snapshot.row = {.seq = query.Integer(0), .state = std::move(state)};
      return snapshot;
    }
    ++snapshot.damaged;
  }
  if (!query.status().ok()) return query.status();
  return absl::DataLossError(absl::StrCat("run ", run, ": none of its ",
                                          snapshot.damaged,
                                          " snapshots has the right checksum"));
}

absl::StatusOr<std::vector<JournalRow>> Store::JournalAfter(
    const std::string& run, std::int64_t seq) {
  std::vector<JournalRow> rows;
  Query query(*database_,
              "SELECT seq, event FROM journal WHERE run = ? AND seq > ? "
              "ORDER BY seq");
  query.Bind(run).Bind(seq);
  while (query.Next()) {
    const std::int64_t next = query.Integer(0);
    if (next != ++seq) {
      return absl::DataLossError(absl::StrCat("run ", run, ": event ", seq,
                                              " is missing in the journal"));
    }
    rows.push_back({.seq = next, .event = query.Bytes(1)});
  }
  if (!query.status().ok()) return query.status();
  return rows;
}

absl::StatusOr<std::map<int, Digest>> Store::Models(const std::string& run) {
  std::map<int, Digest> models;
  Query query(*database_, "SELECT round, model FROM models WHERE run = ?");
  query.Bind(run);
  while (query.Next()) {
    absl::StatusOr<Digest> model = DigestAt(query, 1);
    if (!model.ok()) return model.status();
    models.emplace(static_cast<int>(query.Integer(0)), *model);
  }
  if (!query.status().ok()) return query.status();
  return models;
}

absl::StatusOr<std::set<Digest>> Store::KeptBlobs() {
  std::set<Digest> kept;
  Query query(*database_,
              "SELECT model FROM models UNION SELECT first_model FROM runs "
              "UNION SELECT archive FROM runs WHERE length(archive) = 32");
  while (query.Next()) {
    absl::StatusOr<Digest> digest = DigestAt(query, 0);
    if (!digest.ok()) return digest.status();
    kept.insert(*digest);
  }
  if (!query.status().ok()) return query.status();
  return kept;
}

}  // namespace tributary::store
