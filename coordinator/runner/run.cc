// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/checkpoint/snapshot.h"
#include "proto/codec/privacy.h"

namespace tributary::coordinator {

round::Instant Run::Now(SteadyTime now) const {
  return base + std::chrono::duration_cast<round::Duration>(now - started);
}

SteadyTime Run::WhenIs(round::Instant instant) const {
  return started + (instant - base);
}

std::string UpdatesOf(const Run& run) {
  return absl::StrCat("updates of ", run.name);
}

absl::StatusOr<std::unique_ptr<Run>> MakeRun(const store::RunRow& row) {
  auto run = std::make_unique<Run>();
  run->name = row.run;
  if (!run->plan.ParseFromString(row.plan)) {
    return absl::DataLossError(
        absl::StrCat("run ", row.run, ": its plan is damaged"));
  }
  run->population = run->plan.population();
  run->state = static_cast<v1::RunState>(row.state);
  run->message = row.message;
  run->first_model = row.first_model;
  run->max_debits = row.max_debits;
  run->tier = row.tier;
  run->frame = {.run = row.run,
                .archive = row.archive,
                .training = run->plan.training(),
                .update = run->plan.update(),
                .strategy = {}};
  if (run->plan.has_strategy()) run->frame.strategy = run->plan.strategy();
  // Below the last tier there are clients alone.
  if (row.tier < run->plan.hierarchy().fan_out_size()) {
    run->frame.subtree =
        ToSubtreeTask(run->plan, static_cast<std::uint32_t>(row.tier) + 1);
  }
  return run;
}

absl::StatusOr<Key> KeyOf(const store::RunRow& row) {
  Key key{};
  if (row.key.size() != key.size()) {
    return absl::DataLossError(
        absl::StrCat("run ", row.run, ": its key is damaged"));
  }
  std::copy(row.key.begin(), row.key.end(), key.begin());
  return key;
}

absl::StatusOr<round::Options> OptionsOf(const store::RunRow& row,
                                         const v1::Plan& plan) {
  absl::StatusOr<round::Options> options =
      checkpoint::ToOptions(plan, static_cast<std::uint32_t>(row.tier));
  if (options.ok()) options->max_debits = row.max_debits;
  return options;
}

std::vector<int> ForgettableModels(const std::map<int, Digest>& models,
                                   const std::set<int>& evaluated) {
  constexpr std::size_t kLatest = 10;
  std::set<int> kept = {0};
  std::size_t latest = 0;
  std::size_t latest_evaluated = 0;
  for (auto model = models.rbegin(); model != models.rend(); ++model) {
    if (latest++ < kLatest) kept.insert(model->first);
    if (evaluated.contains(model->first) && latest_evaluated++ < kLatest) {
      kept.insert(model->first);
    }
  }
  std::vector<int> forgettable;
  for (const auto& [round, model] : models) {
    if (!kept.contains(round)) forgettable.push_back(round);
  }
  return forgettable;
}

std::set<std::string> SilentOf(const round::Cohort& cohort) {
  std::set<std::string> silent;
  for (const auto& [client, participant] : cohort) {
    if (participant.role == round::Role::kAggregator &&
        participant.state != round::Participation::kAccepted) {
      silent.insert(client.name);
    }
  }
  return silent;
}

namespace {

struct Recorder {
  Run& run;
  const checkpoint::TimedEvent& step;
  LedgerBook& ledger;
  store::Batch& batch;
  bool is_milestone = false;

  void operator()(const round::OpenRound& effect) {
    run.round = effect.round;
    run.attempt = effect.attempt;
    if (effect.attempt == 1) run.opened = step.now;
    is_milestone = true;
    if (run.IsChild()) {
      batch.push_back(store::TakeRoundBack{run.name, effect.round});
    }
    if (run.engine->options().charged == round::Charged::kAttempts) {
      Charge(Asked());
    }
  }
  void operator()(const round::AcceptUpdate& effect) {
    const SpooledUpdate& update =
        run.counted.at(UploadKey{effect.client, effect.token});
    batch.push_back(store::CountUpdate{run.name,
                                       {.round = run.round,
                                        .attempt = run.attempt,
                                        .client = effect.client.name,
                                        .token = effect.token.bytes,
                                        .weight = effect.weight,
                                        .slot = update.slot->number(),
                                        .size = update.size,
                                        .checksum = update.checksum,
                                        .leaves = update.leaves,
                                        .state = {}}});
  }
  void operator()(const round::ReleaseRound& effect) {
    if (run.engine->options().charged == round::Charged::kReleases) {
      Charge(effect.contributors);
    }
  }
  void operator()(const round::CommitRound& effect) {
    is_milestone = true;
    batch.push_back(store::CommitUpdates{run.name, effect.round, run.attempt});
    if (effect.round > run.recorded_rounds) {
      batch.push_back(store::ForgetUpdates{
          run.name, effect.round - run.recorded_rounds + 1});
    }
    const std::chrono::duration<double> seconds = step.now - run.opened;
    run.committed = {.round = effect.round,
                     .attempts = run.attempt,
                     .model = effect.model,
                     .accepted = static_cast<int>(run.release->leaves),
                     .aggregates = Said(effect),
                     .seconds = seconds.count(),
                     .metrics = {}};
    batch.push_back(store::SaveRound{run.name, run.committed});
    // It has made no model.
    if (run.IsChild()) return;
    run.models[effect.round] = effect.model;
    batch.push_back(store::KeepModel{run.name, effect.round, effect.model});
    for (const int round : ForgettableModels(run.models, run.evaluated)) {
      // In asynchronous rounds tasks may name models of long ago.
      if (round::IsInUse(run.engine->state(), run.models.at(round))) continue;
      run.forgotten.insert(run.models.at(round));
      run.models.erase(round);
      run.evaluated.erase(round);
      batch.push_back(store::ForgetModel{run.name, round});
    }
  }
  void operator()(const round::AbandonRound& effect) {
    is_milestone = true;
    batch.push_back(store::VoidUpdates{run.name, effect.round, effect.attempt});
  }
  void operator()(const round::AcceptEvaluation& effect) {
    if (run.models.contains(effect.round)) run.evaluated.insert(effect.round);
    batch.push_back(store::SaveMetrics{run.name, effect.round, effect.metrics});
  }
  void operator()(const round::EndRun& effect) {
    is_milestone = true;
    run.message = effect.reason;
    switch (effect.end) {
      case round::RunEnd::kFinished:
        run.state = v1::FINISHED;
        break;
      case round::RunEnd::kStopped:
        run.state = v1::STOPPED;
        break;
      case round::RunEnd::kFailed:
        run.state = v1::FAILED;
        if (!run.last_failure.empty()) {
          absl::StrAppend(&run.message, "; the last client to fail was ",
                          run.last_failure);
        }
        break;
    }
    if (!run.failure.empty()) {
      run.state = v1::FAILED;
      run.message = run.failure;
    }
    batch.push_back(store::VoidUpdates{run.name, run.round, run.attempt});
    batch.push_back(store::SetRunState{run.name, run.state, run.message});
  }
  template <typename Other>
  void operator()(const Other&) {}

  std::vector<round::ClientId> Asked() const {
    std::vector<round::ClientId> asked;
    const round::Cohort* cohort = round::CohortOf(run.engine->state().phase);
    if (cohort == nullptr) return asked;
    for (const auto& [client, participant] : *cohort) asked.push_back(client);
    return asked;
  }
  // What the round's updates said of themselves.
  std::optional<store::RoundRow::Aggregates> Said(
      const round::CommitRound& effect) const {
    // Packed ones say it together, in their sum, or not at all.
    if (run.engine->options().packed) {
      if (!effect.aggregates) return std::nullopt;
      return store::RoundRow::Aggregates{effect.aggregates->examples,
                                         effect.aggregates->train_loss};
    }
    return store::RoundRow::Aggregates{run.release->total_weight,
                                       run.release->train_loss};
  }
  // The attempt in progress, to whom it may say something of.
  void Charge(const std::vector<round::ClientId>& whom) {
    // The root pays, once.
    if (!run.plan.has_privacy() || run.IsChild()) return;
    const double clip_norm = run.engine->state().clip_norm.value_or(
        run.plan.privacy().clipping().norm());
    absl::StatusOr<dp::Debit> debit = codec::DebitOf(
        run.plan, run.format->manifest,
        {.run = run.name,
         .round = static_cast<std::uint32_t>(run.round),
         .attempt = static_cast<std::uint32_t>(run.attempt),
         .clip_norm = clip_norm,
         .contributors = static_cast<std::uint32_t>(whom.size())});
    std::vector<std::string> clients;
    for (const round::ClientId& client : whom) clients.push_back(client.name);
    run.unpaid = debit.status();
    if (!debit.ok()) return;
    absl::StatusOr<store::DebitRelease> charge =
        ledger.Charge(*std::move(debit), std::move(clients));
    run.unpaid = charge.status();
    if (charge.ok()) batch.push_back(*std::move(charge));
  }
};

}  // namespace

void Record(Run& run, const checkpoint::TimedEvent& step,
            const std::vector<round::Effect>& effects, LedgerBook& ledger,
            store::Batch& batch) {
  batch.push_back(store::AppendEvent{
      run.name, {.seq = ++run.seq, .event = checkpoint::EncodeStep(step)}});
  Recorder recorder{run, step, ledger, batch};
  for (const round::Effect& effect : effects) std::visit(recorder, effect);
  // A round may be long and its clients many; a restart should not be.
  constexpr std::int64_t kMostEvents = 4'096;
  const bool is_due = run.seq - run.snapshot_seq >= kMostEvents;
  if (!recorder.is_milestone && !is_due) return;
  run.snapshot_seq = run.seq;
  batch.push_back(store::SaveSnapshot{
      run.name,
      {.seq = run.seq, .state = checkpoint::EncodeState(run.engine->state())}});
}

v1::RoundRecord ToRecord(const store::RoundRow& row) {
  v1::RoundRecord record;
  record.set_round(static_cast<std::uint32_t>(row.round));
  record.set_attempts(static_cast<std::uint32_t>(row.attempts));
  record.set_model(std::string(row.model.AsBytes()));
  record.set_accepted(static_cast<std::uint32_t>(row.accepted));
  if (row.aggregates) {
    record.set_total_weight(row.aggregates->total_weight);
    record.set_train_loss(row.aggregates->train_loss);
  }
  record.set_seconds(row.seconds);
  for (const auto& [name, value] : row.metrics) {
    (*record.mutable_metrics())[name] = value;
  }
  return record;
}

Staleness StalenessOf(const round::State& state) {
  Staleness staleness;
  const round::Cohort* cohort = round::CohortOf(state.phase);
  if (cohort == nullptr || cohort->empty()) return staleness;
  for (const auto& [client, participant] : *cohort) {
    staleness.mean += participant.staleness;
    staleness.max = std::max(staleness.max, participant.staleness);
  }
  staleness.mean /= static_cast<double>(cohort->size());
  return staleness;
}

namespace {

void DescribeBuffer(const round::State& state, v1::RunDetail& detail) {
  const round::Cohort* cohort = round::CohortOf(state.phase);
  detail.set_asked_clients(0);
  detail.set_accepted_updates(
      cohort == nullptr ? 0 : static_cast<std::uint32_t>(cohort->size()));
  const auto training = std::ranges::count_if(
      state.open_tasks,
      [](const auto& task) { return !task.second.arrived.has_value(); });
  const Staleness staleness = StalenessOf(state);
  v1::RunBuffer& buffer = *detail.mutable_buffer();
  buffer.set_training_clients(static_cast<std::uint32_t>(training));
  buffer.set_mean_staleness(staleness.mean);
  buffer.set_max_staleness(static_cast<std::uint32_t>(staleness.max));
}

}  // namespace

void Describe(const Run& run, v1::RunDetail& detail) {
  v1::RunSummary& summary = *detail.mutable_summary();
  summary.set_state(run.state);
  if (run.IsOver()) summary.set_message(run.message);
  if (run.privacy) *detail.mutable_privacy() = *run.privacy;
  if (run.engine == nullptr) return;
  const round::State& state = run.engine->state();
  summary.set_released_rounds(static_cast<std::uint32_t>(state.round - 1));
  detail.set_phase(std::string(round::Name(state.phase)));
  detail.set_round(static_cast<std::uint32_t>(state.round));
  detail.set_attempt(static_cast<std::uint32_t>(state.attempt));
  detail.set_waiting_clients(static_cast<std::uint32_t>(
      state.waiting.size() + state.aggregators.size()));
  detail.set_wanted_updates(
      static_cast<std::uint32_t>(run.engine->options().cohort_size));
  std::uint32_t asked = 0;
  std::uint32_t accepted = 0;
  if (const auto* keying = std::get_if<round::Keying>(&state.phase)) {
    asked = static_cast<std::uint32_t>(keying->cohort.size());
  } else if (const auto* now = std::get_if<round::Collecting>(&state.phase)) {
    asked = static_cast<std::uint32_t>(now->cohort.size());
    accepted = now->ledger ? static_cast<std::uint32_t>(now->ledger->size())
                           : static_cast<std::uint32_t>(now->accepted);
  } else if (const auto* unmasking =
                 std::get_if<round::Unmasking>(&state.phase)) {
    asked = static_cast<std::uint32_t>(unmasking->cohort.size());
    accepted = static_cast<std::uint32_t>(
        std::ranges::count_if(unmasking->cohort, [](const auto& participant) {
          return participant.second.state == round::Participation::kAccepted;
        }));
  } else if (const auto* past = std::get_if<round::Released>(&state.phase)) {
    asked = static_cast<std::uint32_t>(past->cohort.size());
    accepted =
        run.release ? static_cast<std::uint32_t>(run.release->leaves) : 0;
  }
  detail.set_asked_clients(asked);
  detail.set_accepted_updates(accepted);
  if (run.engine->options().asynchronous) DescribeBuffer(state, detail);
  detail.set_quarantined_clients(
      static_cast<std::uint32_t>(state.quarantined.size()));
  for (const auto& [reason, count] : state.refusals) {
    (*detail.mutable_refusals())[std::string(round::Name(reason))] = count;
  }
}

}  // namespace tributary::coordinator
