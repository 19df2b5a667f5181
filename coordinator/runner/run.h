// SPDX-License-Identifier: Apache-2.0
// One run as the engine thread holds it: its engine, its clock, and what the
// attempt in progress has gathered.
//
// Threads: the engine thread's alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/checkpoint/journal.h"
#include "coordinator/round/engine.h"
#include "coordinator/runner/ledger_book.h"
#include "coordinator/runner/model_format.h"
#include "coordinator/runner/model_release.h"
#include "coordinator/runner/packed_round.h"
#include "coordinator/runner/parent_task.h"
#include "coordinator/runner/robust_finish.h"
#include "coordinator/runner/round_sum.h"
#include "coordinator/runner/upload_desk.h"
#include "coordinator/store/records.h"
#include "coordinator/wire/messages.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

// Models released since those that updates start from.
struct Staleness {
  double mean = 0;
  int max = 0;
};

struct Run {
  std::string name;
  std::string population;
  Key key{};
  v1::Plan plan;
  v1::RunState state = v1::RUNNING;
  Digest first_model;
  TaskFrame frame;
  std::shared_ptr<const ModelFormat> format;
  std::unique_ptr<round::Engine> engine;
  // What operators see of its budget; of private runs alone.
  std::optional<v1::RunPrivacy> privacy;
  std::int64_t seq = 0;           // of the latest event in the journal
  std::int64_t snapshot_seq = 0;  // of the latest in its newest snapshot
  // Why the coordinator itself gives the run up; empty if it does not.
  std::string failure;
  // Of the client that gave a task up last: its name, and why. Not persisted.
  std::string last_failure;
  // Releases that its privacy budgets pay for.
  std::optional<int> max_debits;
  // Of an aggregator's run; 0: it is this coordinator's own.
  int tier = 0;
  // Why its latest release could not be charged, for want of which it will not
  // be performed.
  absl::Status unpaid;
  // How it ended.
  std::string message;

  // The run's clock stood at `base` when the process's stood at `started`.
  round::Instant base{};
  SteadyTime started{};
  std::optional<round::Instant> wake;

  // ---- the round being made ----
  int round = 0;
  int attempt = 0;
  round::Instant opened{};            // its first attempt
  std::shared_ptr<RoundSum> sum;      // null under a robust rule
  std::optional<PackedRound> packed;  // where updates are integers
  int folding = 0;
  // Of those: could not be read, and are tried again.
  std::set<std::shared_ptr<UpdateFold>> unread;
  std::map<UploadKey, UploadTerms> announced;  // asked, not answered yet
  std::map<UploadKey, SpooledUpdate> arrived;  // complete, not judged yet
  // Judged as good while an asynchronous model was made, to count in the next.
  std::map<UploadKey, SpooledUpdate> kept;
  // Judged and journaled as counted; their AcceptUpdate is on its way.
  std::map<UploadKey, SpooledUpdate> counted;
  std::map<UploadKey, std::string> details;       // of their defects
  std::map<std::string, SpooledUpdate> accepted;  // by client; keeps the slots
  // Aggregators that were asked and have handed nothing up.
  std::set<std::string> silent;
  // Under a robust rule, from the release on: at work on the accepted updates.
  std::shared_ptr<RobustFinish> rule;
  SteadyTime rule_started{};
  std::vector<round::ClientId> outliers;       // that it found
  std::optional<round::ReleaseRound> release;  // asked for
  std::shared_ptr<ModelRelease> releasing;     // in progress

  // ---- of an aggregator's run: the task of the parent's in hand ----
  TaskName listened;                       // of whom `listener` hears
  std::shared_ptr<TaskListener> listener;  // null: nobody asked yet
  std::set<round::ClientId> without;      // leaves that are not to be handed up
  std::set<round::ClientId> sum_without;  // of which `sum` is folded without
  std::shared_ptr<const aggregation::ExactSum> handing;  // being written
  std::optional<SumFile> sum_file;                       // written

  store::RoundRow committed;  // the latest
  Staleness staleness;        // of its updates, in asynchronous rounds
  int recorded_rounds = 0;    // of which the updates' records are kept

  std::map<int, Digest> models;  // kept; round 0 is the first
  std::set<int> evaluated;
  std::set<Digest> forgotten;  // whose blobs can go after the commit

  bool IsChild() const { return tier > 0; }
  // Whose updates are kept until the release, and read then.
  bool IsRobust() const { return plan.has_robust(); }

  bool IsPacked() const {
    return plan.update().encoding() == v1::UpdatePlan::PACKED;
  }
  bool IsOver() const { return state != v1::RUNNING; }
  round::Instant Now(SteadyTime now) const;
  SteadyTime WhenIs(round::Instant instant) const;
};

// A part of the coordinator's health: whether they can be read.
std::string UpdatesOf(const Run& run);

// The run as a row of the database says, without an engine. DataLoss if the row
// is damaged.
absl::StatusOr<std::unique_ptr<Run>> MakeRun(const store::RunRow& row);
absl::StatusOr<Key> KeyOf(const store::RunRow& row);
// What the run's engine is made with.
absl::StatusOr<round::Options> OptionsOf(const store::RunRow& row,
                                         const v1::Plan& plan);

// Of these the aggregators that have handed nothing up.
std::set<std::string> SilentOf(const round::Cohort& cohort);

// Appends what one step changes in the database, in the order of its effects,
// and moves the run's own record along. A release of a private run is charged
// here, to be in one batch with its event (ledger_book.h says why). Not for the
// runs that are over.
void Record(Run& run, const checkpoint::TimedEvent& step,
            const std::vector<round::Effect>& effects, LedgerBook& ledger,
            store::Batch& batch);

// Models of rounds that need not be kept any more: all but the first, the
// latest ten, and the latest ten that were evaluated.
std::vector<int> ForgettableModels(const std::map<int, Digest>& models,
                                   const std::set<int>& evaluated);

// Of the updates that are in the model being made; of none 0.
Staleness StalenessOf(const round::State& state);

// What operators see of the run's state now, besides its released rounds.
void Describe(const Run& run, v1::RunDetail& detail);
v1::RoundRecord ToRecord(const store::RoundRow& row);

}  // namespace tributary::coordinator
