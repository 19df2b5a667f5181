// SPDX-License-Identifier: Apache-2.0
// From the state folder back to where the process was: snapshot, journal, and
// the accepted updates of the round in progress.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/checkpoint/snapshot.h"
#include "coordinator/round/releasing.h"
#include "coordinator/runner/runner.h"

namespace tributary::coordinator {
namespace {

// When the round in progress opened, if one is.
round::Instant OpenedIn(const round::Phase& phase) {
  return std::visit(
      [](const auto& alive) -> round::Instant {
        if constexpr (requires { alive.opened; }) {
          return alive.opened;
        } else {
          return {};
        }
      },
      phase);
}

}  // namespace

absl::Status Options::Validate() const {
  if (state_folder.empty()) {
    return absl::InvalidArgumentError("state: no folder is named");
  }
  if (upload_credits < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("upload_credits: ", upload_credits, " is less than 1"));
  }
  if (fold_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("fold_threads: ", fold_threads, " is less than 1"));
  }
  if (recorded_rounds < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("recorded_rounds: ", recorded_rounds, " is less than 1"));
  }
  if (idle_earliest.count() <= 0 || idle_latest < idle_earliest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "idle_earliest: ", idle_earliest.count(),
        " ms is not in 1 .. idle_latest, ", idle_latest.count(), " ms"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(
    const Options& options) {
  if (absl::Status valid = options.Validate(); !valid.ok()) return valid;
  const std::filesystem::path folder = options.state_folder;
  absl::StatusOr<store::FolderLock> lock = store::FolderLock::Acquire(folder);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<std::unique_ptr<store::Store>> database =
      store::Store::Open(folder);
  if (!database.ok()) return database.status();
  absl::StatusOr<store::Blobs> blobs = store::Blobs::Open(folder / "blobs");
  if (!blobs.ok()) return blobs.status();
  absl::StatusOr<std::set<std::int64_t>> slots = (*database)->SpooledSlots();
  if (!slots.ok()) return slots.status();
  absl::StatusOr<std::unique_ptr<store::Spool>> spool =
      store::Spool::Open(folder / "spool", *slots);
  if (!spool.ok()) return spool.status();
  absl::StatusOr<std::vector<store::ClientRow>> clients =
      (*database)->Clients();
  if (!clients.ok()) return clients.status();

  absl::StatusOr<std::vector<store::AggregatorRow>> aggregators =
      (*database)->Aggregators();
  if (!aggregators.ok()) return aggregators.status();

  auto runner = std::make_unique<Runner>(
      options, Runner::Disk{.lock = *std::move(lock),
                            .store = *std::move(database),
                            .blobs = *std::move(blobs),
                            .spool = *std::move(spool),
                            .clients = *std::move(clients),
                            .aggregators = *std::move(aggregators)});
  if (absl::Status resumed = runner->Resume(); !resumed.ok()) return resumed;
  runner->Start();
  return runner;
}

absl::Status Runner::Resume() {
  absl::StatusOr<std::set<Digest>> kept = disk_.store->KeptBlobs();
  if (!kept.ok()) return kept.status();
  disk_.blobs.RemoveAllBut(*kept);
  absl::StatusOr<std::vector<store::RunRow>> rows = disk_.store->Runs();
  if (!rows.ok()) return rows.status();
  if (auto status = ledger_.Load(*disk_.store); !status.ok()) return status;
  std::vector<Past> pasts;
  for (const store::RunRow& row : *rows) {
    runs_submitted_ = std::max(runs_submitted_, row.number);
    absl::StatusOr<Past> past = Recall(row);
    if (!past.ok()) return past.status();
    pasts.push_back(*std::move(past));
  }
  // Before the first of them goes on, which may charge.
  for (const Past& past : pasts) ledger_.Expect(past.row.run, DebitsOf(past));
  if (absl::Status damage = ledger_.damage(); !damage.ok()) {
    Log(Level::kError, "no private run goes on",
        {{"error", std::string(damage.message())}});
  }
  for (Past& past : pasts) {
    if (auto status = ResumeRun(std::move(past)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// How often a private run was charged, at least, by what the database holds
// beside the ledger.
std::int64_t Runner::DebitsOf(const Past& past) {
  if (!past.row.max_debits) return 0;
  std::int64_t debits = 0;
  if (past.run->engine != nullptr) {
    debits = past.run->engine->state().debits;
    // The engine counts what was asked for.
    if (absl::StrContains(past.row.message, kNotCharged)) --debits;
  }
  if (past.rounds.empty()) return debits;
  return std::max<std::int64_t>(debits, past.rounds.back().round);
}

absl::StatusOr<Runner::Past> Runner::Recall(const store::RunRow& row) {
  absl::StatusOr<std::unique_ptr<Run>> made = MakeRun(row);
  Past past{.row = row, .run = nullptr, .rounds = {}, .status = made.status()};
  if (made.ok()) {
    past.run = *std::move(made);
  } else {
    past.run = std::make_unique<Run>();
    past.run->name = row.run;
    past.run->state = static_cast<v1::RunState>(row.state);
  }
  Run& run = *past.run;
  run.recorded_rounds = options_.recorded_rounds;
  absl::StatusOr<std::map<int, Digest>> models = disk_.store->Models(row.run);
  if (!models.ok()) return models.status();
  run.models = *std::move(models);
  absl::StatusOr<std::vector<store::RoundRow>> rounds =
      disk_.store->Rounds(row.run, RunBoard::kMaxRounds);
  if (!rounds.ok()) return rounds.status();
  past.rounds = *std::move(rounds);
  for (const store::RoundRow& round : past.rounds) {
    if (!round.metrics.empty()) run.evaluated.insert(round.round);
  }

  absl::StatusOr<Key> key = KeyOf(row);
  past.status.Update(key.status());
  if (past.status.ok()) past.status = Replay(run, row, *key);
  if (!past.status.ok() && !IsDamage(past.status)) return past.status;
  return past;
}

absl::Status Runner::ResumeRun(Past past) {
  Run& run = *past.run;
  absl::Status status = past.status;
  if (status.ok()) {
    latest_[run.population] = &run;
    if (!run.IsOver()) {
      // In this order: Restarted may find the deadline passed and close the
      // round, which then needs its updates.
      status = FoldAgain(run);
      if (!status.ok() && !IsDamage(status)) return status;
      run.started = clock_();
      if (status.ok() && run.plan.has_privacy() && !ledger_.damage().ok()) {
        status = absl::DataLossError(
            absl::StrCat(std::string(ledger_.damage().message()), kPutBack));
      }
      if (status.ok()) {
        Happen(run, round::Restarted{});
        if (run.IsRobust()) ReleaseIfFolded(run);
      } else {
        FailRun(run, std::string(status.message()));
      }
      Log(Level::kInfo, "run resumed",
          {{"run", run.name},
           {"phase", std::string(round::Name(run.engine->state().phase))},
           {"round", absl::StrCat(run.engine->state().round)}});
    }
  } else if (!run.IsOver()) {
    // Nothing can be done with it, but the others go on.
    Log(Level::kError, "run cannot be resumed",
        {{"run", run.name}, {"error", std::string(status.message())}});
    run.engine.reset();
    run.state = v1::FAILED;
    run.message = std::string(status.message());
    batch_.push_back(store::SetRunState{run.name, run.state, run.message});
    absl::Status given_back = GiveSpoolBack(run);
    if (!given_back.ok() && !IsDamage(given_back)) return given_back;
  } else {
    run.engine.reset();
  }

  ShowPrivacy(run);
  CountQuarantined(run);
  ShowNew(run, past.row);
  board_.Publish(run.name, [&](v1::RunDetail& detail) {
    for (const store::RoundRow& round : past.rounds) {
      *detail.add_rounds() = ToRecord(round);
    }
    if (run.engine == nullptr && !past.rounds.empty()) {
      detail.mutable_summary()->set_released_rounds(
          static_cast<std::uint32_t>(past.rounds.back().round));
    }
  });
  runs_[past.row.run] = std::move(past.run);
  return absl::OkStatus();
}

// The engine as it was, its effects discarded: what was durable in them has
// been done or is done again, and everybody it spoke to is gone.
absl::Status Runner::Replay(Run& run, const store::RunRow& row,
                            const Key& key) {
  absl::StatusOr<round::Options> options = OptionsOf(row, run.plan);
  if (!options.ok()) return options.status();
  absl::StatusOr<store::Store::Snapshot> snapshot =
      disk_.store->LatestSnapshot(run.name);
  if (!snapshot.ok()) return snapshot.status();
  if (snapshot->damaged > 0) {
    Log(Level::kError, "a damaged snapshot was passed over",
        {{"run", run.name}, {"damaged", absl::StrCat(snapshot->damaged)}});
  }
  absl::StatusOr<round::State> state =
      checkpoint::DecodeState(snapshot->row.state);
  if (!state.ok()) return state.status();
  run.opened = OpenedIn(state->phase);
  run.key = key;
  run.engine =
      std::make_unique<round::Engine>(*options, key, *std::move(state));
  run.seq = run.snapshot_seq = snapshot->row.seq;
  absl::StatusOr<std::vector<store::JournalRow>> journal =
      disk_.store->JournalAfter(run.name, run.seq);
  if (!journal.ok()) return journal.status();
  for (const store::JournalRow& entry : *journal) {
    absl::StatusOr<checkpoint::TimedEvent> step =
        checkpoint::DecodeStep(entry.event);
    if (!step.ok()) return step.status();
    run.seq = entry.seq;
    for (const round::Effect& effect :
         run.engine->Step(step->event, step->now)) {
      const auto* open = std::get_if<round::OpenRound>(&effect);
      if (open != nullptr && open->attempt == 1) run.opened = step->now;
    }
  }
  const round::State& now = run.engine->state();
  run.round = now.round;
  run.attempt = now.attempt;
  run.base = now.now;
  if (std::holds_alternative<round::Released>(now.phase)) {
    run.release = round::ReleaseOf(now, *options);
  }

  absl::StatusOr<ModelFormat> format =
      ReadModelFormat(disk_.blobs, run.first_model, run.plan);
  if (!format.ok()) return format.status();
  run.format = std::make_shared<const ModelFormat>(*std::move(format));
  if (run.IsOver()) return absl::OkStatus();
  OptimizerState::RemoveAllBut(StateFolder(run), now.round - 1);
  if (run.plan.asynchronous().has_mixing()) {
    // Read again when what was trained from them is mixed in.
    for (const auto& [round, model] : run.models) {
      if (!round::IsInUse(now, model)) continue;
      absl::Status whole = disk_.blobs.Verify(model);
      if (!whole.ok()) return whole;
    }
  }
  return disk_.blobs.Verify(now.model);
}

absl::Status Runner::FoldAgain(Run& run) {
  const round::State& state = run.engine->state();
  const round::Cohort* cohort = round::CohortOf(state.phase);
  if (cohort == nullptr) return absl::OkStatus();
  absl::StatusOr<std::vector<store::UpdateRow>> rows =
      disk_.store->Updates(run.name, "accepted");
  if (!rows.ok()) return rows.status();
  std::map<std::string, const store::UpdateRow*> by_client;
  for (const store::UpdateRow& row : *rows) {
    if (row.round == state.round && row.attempt == state.attempt) {
      by_client[row.client] = &row;
    }
  }
  // Masked updates are lost with their session; their places are given back.
  const bool is_masked = run.plan.has_secure_aggregation();
  if (run.IsPacked() && !is_masked) {
    if (absl::Status made = MakePackedRound(run); !made.ok()) return made;
    run.sum = std::make_shared<RoundSum>(*run.packed->integers);
  } else if (!is_masked && !run.IsRobust()) {
    run.sum = std::make_shared<RoundSum>(run.format->layout);
  }
  run.silent = SilentOf(*cohort);
  absl::Status lost;
  for (const auto& [client, participant] : *cohort) {
    if (participant.state != round::Participation::kAccepted) continue;
    const auto row = by_client.find(client.name);
    absl::StatusOr<std::shared_ptr<store::Spool::Slot>> slot =
        absl::NotFoundError("its place in the spool is not recorded");
    if (row != by_client.end()) slot = disk_.spool->Retake(row->second->slot);
    if (!slot.ok() && !IsDamage(slot.status())) return slot.status();
    if (!slot.ok() && is_masked) continue;
    if (!slot.ok()) {
      lost.Update(absl::DataLossError(absl::StrCat(
          "the accepted update of ", client.name, " in round ", state.round,
          " is lost: ", std::string(slot.status().message()))));
      continue;
    }
    SpooledUpdate update{.slot = *std::move(slot),
                         .encoding = run.format->encoding,
                         .size = row->second->size,
                         .checksum = row->second->checksum,
                         .leaves = row->second->leaves};
    if (run.IsRobust()) update.slot->Close();
    run.accepted.emplace(client.name, update);
    // The slots of a round that is lost are taken too, to be given back.
    if (lost.ok() && run.sum != nullptr) {
      Fold(run, std::move(update), row->second->weight);
    }
  }
  return lost;
}

// Nothing will ask for the run's accepted updates again.
absl::Status Runner::GiveSpoolBack(const Run& run) {
  absl::StatusOr<std::vector<store::UpdateRow>> rows =
      disk_.store->Updates(run.name, "accepted");
  if (!rows.ok()) return rows.status();
  std::vector<std::shared_ptr<store::Spool::Slot>> slots;
  for (const store::UpdateRow& row : *rows) {
    batch_.push_back(store::VoidUpdates{run.name, row.round, row.attempt});
    auto slot = disk_.spool->Retake(row.slot);
    if (!slot.ok()) continue;
    (*slot)->Close();
    slots.push_back(*std::move(slot));
  }
  // Lent to others only after the commit.
  outbox_.push_back([slots = std::move(slots)] {});
  return absl::OkStatus();
}

}  // namespace tributary::coordinator
