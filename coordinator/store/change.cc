// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/change.h"

#include <xxhash.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace tributary::store {

std::int64_t ChecksumOf(std::string_view bytes) {
  return static_cast<std::int64_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

namespace {

absl::Status SaveMetric(Database& database, const std::string& run, int round,
                        const std::map<std::string, double>& metrics) {
  for (const auto& [name, value] : metrics) {
    absl::Status status =
        Query(database, "INSERT OR REPLACE INTO metrics VALUES (?,?,?,?)")
            .Bind(run)
            .Bind(std::int64_t{round})
            .Bind(name)
            .Bind(value)
            .Run();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SetUpdates(Database& database, const std::string& run, int round,
                        int attempt, std::string_view state) {
  return Query(database,
               "UPDATE updates SET state = ? WHERE run = ? AND round = ? AND "
               "attempt = ? AND state = 'accepted'")
      .Bind(state)
      .Bind(run)
      .Bind(std::int64_t{round})
      .Bind(std::int64_t{attempt})
      .Run();
}

// One overload per change.
struct Writer {
  Database& database;

  absl::Status operator()(const AddRun& change) const {
    const RunRow& row = change.row;
    Query query(database, "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    query.Bind(row.run)
        .Bind(row.number)
        .BindBlob(row.plan)
        .BindBlob(row.key)
        .BindBlob(row.first_model.AsBytes())
        .BindBlob(row.archive)
        .Bind(std::int64_t{row.state})
        .Bind(row.message)
        .Bind(row.submitted);
    if (row.max_debits) {
      query.Bind(std::int64_t{*row.max_debits});
    } else {
      query.BindNull();
    }
    return query.Bind(std::int64_t{row.tier}).Run();
  }
  absl::Status operator()(const SetRunState& change) const {
    return Query(database,
                 "UPDATE runs SET state = ?, message = ? WHERE run = ?")
        .Bind(std::int64_t{change.state})
        .Bind(change.message)
        .Bind(change.run)
        .Run();
  }
  absl::Status operator()(const AppendEvent& change) const {
    return Query(database, "INSERT INTO journal VALUES (?,?,?)")
        .Bind(change.run)
        .Bind(change.row.seq)
        .BindBlob(change.row.event)
        .Run();
  }
  absl::Status operator()(const SaveSnapshot& change) const {
    absl::Status status =
        Query(database, "INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?)")
            .Bind(change.run)
            .Bind(change.row.seq)
            .BindBlob(change.row.state)
            .Bind(ChecksumOf(change.row.state))
            .Run();
    if (!status.ok()) return status;
    // The one before stays, with its events, in case this one is damaged.
    Query before(database,
                 "SELECT max(seq) FROM snapshots WHERE run = ? AND seq < ?");
    before.Bind(change.run).Bind(change.row.seq);
    if (!before.Next()) return before.status();
    const std::int64_t oldest = before.Integer(0);
    for (const char* sql : {"DELETE FROM snapshots WHERE run = ? AND seq < ?",
                            "DELETE FROM journal WHERE run = ? AND seq <= ?"}) {
      status = Query(database, sql).Bind(change.run).Bind(oldest).Run();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const CountUpdate& change) const {
    const UpdateRow& row = change.row;
    return Query(database,
                 "INSERT INTO updates VALUES (?,?,?,?,?,?,?,?,?,'accepted',?)")
        .Bind(change.run)
        .Bind(std::int64_t{row.round})
        .Bind(std::int64_t{row.attempt})
        .Bind(row.client)
        .BindBlob(
            {reinterpret_cast<const char*>(row.token.data()), row.token.size()})
        .Bind(static_cast<std::int64_t>(row.weight))
        .Bind(row.slot)
        .Bind(static_cast<std::int64_t>(row.size))
        .Bind(static_cast<std::int64_t>(row.checksum))
        .Bind(std::int64_t{row.leaves})
        .Run();
  }
  absl::Status operator()(const CommitUpdates& change) const {
    return SetUpdates(database, change.run, change.round, change.attempt,
                      "committed");
  }
  absl::Status operator()(const VoidUpdates& change) const {
    return SetUpdates(database, change.run, change.round, change.attempt,
                      "void");
  }
  absl::Status operator()(const ForgetUpdates& change) const {
    return Query(database,
                 "DELETE FROM updates WHERE run = ? AND round < ? AND "
                 "state <> 'accepted'")
        .Bind(change.run)
        .Bind(std::int64_t{change.round})
        .Run();
  }
  absl::Status operator()(const DebitRelease& change) const {
    const LedgerRow& row = change.row;
    absl::Status status =
        Query(database, "INSERT INTO ledger VALUES (?,?,?,?,?,?)")
            .Bind(row.seq)
            .Bind(row.population)
            .Bind(row.run)
            .Bind(std::int64_t{row.round})
            .Bind(std::int64_t{row.attempt})
            .BindBlob(row.entry)
            .Run();
    for (const std::string& client : change.clients) {
      if (!status.ok()) return status;
      status = Query(database,
                     "INSERT INTO participation VALUES (?,?,1) "
                     "ON CONFLICT DO UPDATE SET rounds = rounds + 1")
                   .Bind(row.population)
                   .Bind(client)
                   .Run();
    }
    return status;
  }
  absl::Status operator()(const SaveRound& change) const {
    const RoundRow& row = change.row;
    Query query(database, "INSERT INTO rounds VALUES (?,?,?,?,?,?,?,?)");
    query.Bind(change.run)
        .Bind(std::int64_t{row.round})
        .Bind(std::int64_t{row.attempts})
        .BindBlob(row.model.AsBytes())
        .Bind(std::int64_t{row.accepted});
    if (row.aggregates) {
      query.Bind(static_cast<std::int64_t>(row.aggregates->total_weight))
          .Bind(row.aggregates->train_loss);
    } else {
      query.BindNull().BindNull();
    }
    absl::Status status = query.Bind(row.seconds).Run();
    if (!status.ok()) return status;
    return SaveMetric(database, change.run, row.round, row.metrics);
  }
  absl::Status operator()(const TakeRoundBack& change) const {
    absl::Status status =
        Query(database, "DELETE FROM rounds WHERE run = ? AND round = ?")
            .Bind(change.run)
            .Bind(std::int64_t{change.round})
            .Run();
    if (!status.ok()) return status;
    return Query(
               database,
               "UPDATE updates SET state = 'void' WHERE run = ? AND round = ? "
               "AND state = 'committed'")
        .Bind(change.run)
        .Bind(std::int64_t{change.round})
        .Run();
  }
  absl::Status operator()(const SaveMetrics& change) const {
    return SaveMetric(database, change.run, change.round, change.metrics);
  }
  absl::Status operator()(const KeepModel& change) const {
    return Query(database, "INSERT OR REPLACE INTO models VALUES (?,?,?)")
        .Bind(change.run)
        .Bind(std::int64_t{change.round})
        .BindBlob(change.model.AsBytes())
        .Run();
  }
  absl::Status operator()(const ForgetModel& change) const {
    return Query(database, "DELETE FROM models WHERE run = ? AND round = ?")
        .Bind(change.run)
        .Bind(std::int64_t{change.round})
        .Run();
  }
  absl::Status operator()(const SaveClient& change) const {
    const ClientRow& row = change.row;
    return Query(database,
                 "INSERT OR REPLACE INTO clients VALUES (?,?,?,?,?,?)")
        .Bind(row.client)
        .Bind(row.population)
        .Bind(std::int64_t{row.role})
        .Bind(row.last_seen)
        .Bind(static_cast<std::int64_t>(row.accepted))
        .Bind(static_cast<std::int64_t>(row.refused))
        .Run();
  }
  absl::Status operator()(const SaveAggregator& change) const {
    const AggregatorRow& row = change.row;
    return Query(database,
                 "INSERT OR REPLACE INTO aggregators VALUES (?,?,?,?,?)")
        .Bind(row.aggregator)
        .Bind(static_cast<std::int64_t>(row.used_session))
        .Bind(static_cast<std::int64_t>(row.used_epoch))
        .Bind(static_cast<std::int64_t>(row.offered_session))
        .Bind(static_cast<std::int64_t>(row.offered_epoch))
        .Run();
  }
};

}  // namespace

absl::Status Apply(const Change& change, Database& database) {
  return std::visit(Writer{database}, change);
}

}  // namespace tributary::store
