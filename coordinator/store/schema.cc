// SPDX-License-Identifier: Apache-2.0
#include "coordinator/store/schema.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace tributary::store {
namespace {

constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE runs (
  run TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  plan BLOB NOT NULL,        -- tributary.v1.Plan, defaults written out
  key BLOB NOT NULL,         -- 32 bytes
  first_model BLOB NOT NULL, -- SHA-256
  archive BLOB NOT NULL,     -- SHA-256, or empty
  state INTEGER NOT NULL,    -- tributary.v1.RunState
  message TEXT NOT NULL,
  submitted INTEGER NOT NULL -- milliseconds since 1970
) WITHOUT ROWID;

CREATE TABLE rounds (
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  model BLOB NOT NULL,       -- SHA-256 of what was released
  accepted INTEGER NOT NULL,
  total_weight INTEGER NOT NULL,
  train_loss REAL NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (run, round)
) WITHOUT ROWID;

CREATE TABLE metrics (
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run, round, name)
) WITHOUT ROWID;

-- Models whose bytes are kept; round 0 is the first.
CREATE TABLE models (
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  model BLOB NOT NULL,
  PRIMARY KEY (run, round)
) WITHOUT ROWID;
CREATE INDEX models_by_digest ON models (model);

-- The record of counted updates. A client stands at most once in a released
-- round, whatever the attempts were.
CREATE TABLE updates (
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  client TEXT NOT NULL,
  token BLOB NOT NULL,
  weight INTEGER NOT NULL,
  slot INTEGER NOT NULL,     -- of the spool, while `accepted`
  size INTEGER NOT NULL,     -- bytes
  checksum INTEGER NOT NULL, -- XXH3-64 of them
  state TEXT NOT NULL CHECK (state IN ('accepted', 'committed', 'void')),
  PRIMARY KEY (run, round, attempt, client)
) WITHOUT ROWID;
CREATE UNIQUE INDEX updates_counted_once ON updates (run, round, client)
  WHERE state = 'committed';
CREATE INDEX updates_spooled ON updates (run) WHERE state = 'accepted';

CREATE TABLE clients (
  client TEXT PRIMARY KEY,
  population TEXT NOT NULL,
  role INTEGER NOT NULL,      -- tributary.v1.Role
  last_seen INTEGER NOT NULL, -- milliseconds since 1970
  accepted INTEGER NOT NULL,
  refused INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE journal (
  run TEXT NOT NULL REFERENCES runs,
  seq INTEGER NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE snapshots (
  run TEXT NOT NULL REFERENCES runs,
  seq INTEGER NOT NULL,       -- of the last event in it
  state BLOB NOT NULL,
  checksum INTEGER NOT NULL,  -- XXH3-64 of it
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
)sql",
    R"sql(
-- Most releases of a run that its privacy budgets allow. Worked out once, when
-- it is submitted: a replay of its journal must find the same.
ALTER TABLE runs ADD COLUMN max_debits INTEGER;

-- What was spent of the privacy budgets: an entry a release, each with the hash
-- of the one before. Nothing is ever changed or deleted here, whatever becomes
-- of the run.
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY,   -- 1, 2, ... over all runs
  population TEXT NOT NULL,
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  entry BLOB NOT NULL,       -- tributary.v1.LedgerEntry
  UNIQUE (run, round, attempt)
);
CREATE INDEX ledger_by_population ON ledger (population, seq);

-- In how many of those releases a client's update was.
CREATE TABLE participation (
  population TEXT NOT NULL,
  client TEXT NOT NULL,
  rounds INTEGER NOT NULL,
  PRIMARY KEY (population, client)
) WITHOUT ROWID;
)sql",
    R"sql(
-- Updates of private runs, those in the ledger, say nothing of themselves: where
-- zeros stood for what nobody has measured there is nothing.
CREATE TABLE measured_rounds (
  run TEXT NOT NULL REFERENCES runs,
  round INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  model BLOB NOT NULL,       -- SHA-256 of what was released
  accepted INTEGER NOT NULL,
  total_weight INTEGER,
  train_loss REAL,
  seconds REAL NOT NULL,
  PRIMARY KEY (run, round),
  CHECK ((total_weight IS NULL) = (train_loss IS NULL))
) WITHOUT ROWID;
INSERT INTO measured_rounds SELECT * FROM rounds;
UPDATE measured_rounds SET total_weight = NULL, train_loss = NULL
  WHERE run IN (SELECT run FROM ledger);
DROP TABLE rounds;
ALTER TABLE measured_rounds RENAME TO rounds;
)sql",
    R"sql(
-- Of a partial sum how many clients' updates are in it. 0: it is one client's
-- update.
ALTER TABLE updates ADD COLUMN leaves INTEGER NOT NULL DEFAULT 0;

-- Which life of an aggregator counts: the session that something came in last,
-- the one given out last, and their epochs.
CREATE TABLE aggregators (
  aggregator TEXT PRIMARY KEY,
  used_session INTEGER NOT NULL,
  used_epoch INTEGER NOT NULL,
  offered_session INTEGER NOT NULL,
  offered_epoch INTEGER NOT NULL,
  CHECK (used_session <= offered_session),
  CHECK (0 <= used_epoch AND used_epoch <= used_session),
  CHECK (0 < offered_epoch AND offered_epoch <= offered_session)
) WITHOUT ROWID;
)sql",
    R"sql(
-- Of an aggregator's run its own tier in the parent's tree. 0: the run is this
-- coordinator's own.
ALTER TABLE runs ADD COLUMN tier INTEGER NOT NULL DEFAULT 0;
)sql",
};

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

absl::Status Migrate(Database& database) {
  std::int64_t version = 0;
  {
    Query query(database, "PRAGMA user_version");
    if (query.Next()) version = query.Integer(0);
    if (!query.status().ok()) return query.status();
  }
  const auto newest = static_cast<std::int64_t>(kMigrations.size());
  if (version > newest) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database has version ", version,
                     ", this program knows up to ", newest));
  }
  for (; version < newest; ++version) {
    absl::Status status = database.Execute(absl::StrCat(
        "BEGIN IMMEDIATE;", kMigrations[static_cast<std::size_t>(version)],
        "PRAGMA user_version = ", version + 1, "; COMMIT;"));
    if (!status.ok()) {
      (void)database.Execute("ROLLBACK;");
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary::store
