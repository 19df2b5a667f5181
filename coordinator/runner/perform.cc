// SPDX-License-Identifier: Apache-2.0
// Effects, performed in order once their event is on the disk.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/runner/runner.h"

namespace tributary::coordinator {
namespace {

// A part of the coordinator's health.
std::string ModelsOf(const Run& run) {
  return absl::StrCat("models of ", run.name);
}

}  // namespace

void Runner::Perform(Run& run, const round::Effect& effect) {
  std::visit([&](const auto& what) { Do(run, what); }, effect);
}

void Runner::Do(Run& run, const round::OfferTask& effect) {
  // The round that it is of could not be opened.
  if (run.IsOver() || !run.failure.empty()) return;
  sessions_.Send(effect.client,
                 TaskMessage(run.frame, effect.task,
                             effect.task.deadline - run.Now(clock_())));
  if (!run.packed || !run.packed->session ||
      effect.task.kind != round::TaskKind::kTrain) {
    return;
  }
  run.packed->tokens[effect.client] = effect.task.token;
  // It has lost its stream, and perhaps what was on it.
  SendSessionMessages(run, effect.client);
}

void Runner::Do(Run&, const round::ComeBack& effect) {
  sessions_.Send(effect.client,
                 ComeBackMessage(effect.earliest, effect.latest));
}

void Runner::Do(Run& run, const round::GrantUpload& effect) {
  const auto terms = run.announced.find({effect.client, effect.token});
  if (terms == run.announced.end()) return;
  desk_.Grant(terms->second);
  run.announced.erase(terms);
}

void Runner::Do(Run& run, const round::AcceptUpdate& effect) {
  const UploadKey key{effect.client, effect.token};
  auto update = run.counted.extract(key);
  // It may have been announced again while it was kept.
  run.announced.erase(key);
  run.accepted.insert_or_assign(effect.client.name, update.mapped());
  sessions_.Send(effect.client, AcceptedMessage(effect.token));
  desk_.Drop(key);
  const std::uint32_t leaves = update.mapped().leaves;
  metrics_.Count("tributary_updates_accepted_total", {{"run", run.name}},
                 std::max(leaves, 1u));
  if (leaves > 0) {
    metrics_.Count("tributary_partial_sums_total", {{"run", run.name}});
  }
  clients_.Accepted(effect.client);
  Log(Level::kDebug, "update accepted",
      {{"run", run.name}, {"client", effect.client.name}});
  if (run.packed && run.packed->session &&
      !run.packed->session->AcceptInput(effect.client)) {
    // Its masks would stay in the sum.
    AbandonSession(run, "unexpected update",
                   static_cast<int>(run.accepted.size()),
                   "an update was counted that the session does not expect");
    return;
  }
  if (run.packed && run.packed->session) {
    update.mapped().slot->Close();
    run.packed->inputs.push_back(std::move(update.mapped()));
    return;
  }
  if (run.IsRobust()) return update.mapped().slot->Close();
  Fold(run, std::move(update.mapped()), effect.weight);
}

void Runner::Do(Run& run, const round::AcknowledgeAgain& effect) {
  const UploadKey key{effect.client, effect.token};
  sessions_.Send(effect.client, AcceptedMessage(effect.token));
  desk_.Drop(key);
  run.announced.erase(key);
  run.arrived.erase(key);
  run.details.erase(key);
}

void Runner::Do(Run& run, const round::Refuse& effect) {
  const UploadKey key{effect.client, effect.token};
  const auto detail = run.details.extract(key);
  sessions_.Send(
      effect.client,
      RefusedMessage(effect.token, effect.reason,
                     detail.empty() ? "" : detail.mapped(), effect.overlap));
  desk_.Drop(key);
  run.announced.erase(key);
  run.arrived.erase(key);
  CountRefusal(effect.reason);
  clients_.Refused(effect.client);
  Log(Level::kInfo, "refused",
      {{"run", run.name},
       {"client", effect.client.name},
       {"reason", std::string(round::Name(effect.reason))},
       {"detail", detail.empty() ? "" : detail.mapped()}});
}

void Runner::Do(Run& run, const round::CancelTask& effect) {
  const UploadKey key{effect.client, effect.token};
  desk_.Drop(key);
  run.announced.erase(key);
  run.kept.erase(key);
  if (run.packed && run.packed->step_messages != nullptr) {
    run.packed->step_messages->Skip(effect.client);
  }
  sessions_.Send(effect.client, CancelMessage(effect.token, effect.reason));
  if (effect.reason != round::Refusal::kStaleModel) return;
  metrics_.Count("tributary_stale_tasks_total", {{"run", run.name}});
  Log(Level::kInfo, "task too stale",
      {{"run", run.name}, {"client", effect.client.name}});
}

void Runner::Do(Run& run, const round::AcceptEvaluation& effect) {
  sessions_.Send(effect.client, AcceptedMessage(effect.token));
  board_.Publish(run.name, [&](v1::RunDetail& detail) {
    for (v1::RoundRecord& record : *detail.mutable_rounds()) {
      if (record.round() != static_cast<std::uint32_t>(effect.round)) continue;
      for (const auto& [name, value] : effect.metrics) {
        (*record.mutable_metrics())[name] = value;
      }
    }
  });
  Fields fields = {{"run", run.name}, {"round", absl::StrCat(effect.round)}};
  for (const auto& [name, value] : effect.metrics) {
    fields.emplace_back(name, absl::StrCat(value));
  }
  Log(Level::kInfo, "model evaluated", std::move(fields));
}

void Runner::Do(Run& run, const round::OpenRound& effect) {
  ForgetRound(run);
  Log(Level::kInfo, "round opened",
      {{"run", run.name},
       {"round", absl::StrCat(effect.round)},
       {"attempt", absl::StrCat(effect.attempt)}});
  if (run.engine->options().charged == round::Charged::kAttempts) {
    ShowPrivacy(run);
    if (!IsPaid(run, effect.round)) return;
  }
  if (run.IsPacked()) return OpenPacked(run, effect);
  if (run.IsRobust()) return;
  run.sum = std::make_shared<RoundSum>(run.format->layout);
}

void Runner::Fold(Run& run, SpooledUpdate update, std::uint64_t weight) {
  ++run.folding;
  StartFold(run, std::make_shared<UpdateFold>(UpdateFold{
                     .update = std::move(update), .weight = weight}));
}

void Runner::StartFold(Run& run, std::shared_ptr<UpdateFold> fold) {
  pool_.Post([this, &run, sum = run.sum, fold = std::move(fold)] {
    absl::Status status = fold->update.slot->OpenAgain();
    if (status.ok()) status = sum->Fold(*fold);
    if (status.ok()) fold->update.slot->Close();
    Post([this, &run, sum, fold, status] {
      if (run.sum == sum && !run.IsOver()) FoldDone(run, fold, status);
    });
  });
}

void Runner::FoldDone(Run& run, const std::shared_ptr<UpdateFold>& fold,
                      const absl::Status& status) {
  if (IsDamage(status)) {
    FailRun(run, absl::StrCat("an accepted update of round ", run.round,
                              " is lost: ", std::string(status.message())));
    return;
  }
  if (!status.ok()) {
    run.unread.insert(fold);
    if (health_.Set(UpdatesOf(run), status)) ShowHealth();
    At(clock_() + kRetryPeriod, [this, &run, sum = run.sum, fold] {
      if (run.sum == sum && !run.IsOver()) StartFold(run, fold);
    });
    return;
  }
  run.unread.erase(fold);
  if (run.unread.empty() && health_.Set(UpdatesOf(run), absl::OkStatus())) {
    ShowHealth();
  }
  --run.folding;
  ReleaseIfFolded(run);
}

void Runner::Do(Run& run, const round::ReleaseRound& effect) {
  run.release = effect;
  ShowPrivacy(run);
  ReleaseIfFolded(run);
}

// What a private run has spent, worked out beside the engine: to add up
// thousands of rounds takes a moment.
void Runner::ShowPrivacy(Run& run) {
  if (!run.plan.has_privacy() || run.IsChild()) return;
  const v1::PrivacyPlan& plan = run.plan.privacy();
  if (!run.privacy) {
    run.privacy.emplace();
    run.privacy->set_budget(plan.epsilon());
    run.privacy->set_delta(plan.delta());
    run.privacy->set_unit(plan.unit());
    run.privacy->set_neighbours(plan.neighbours());
    run.privacy->set_noise_multiplier(plan.noise_multiplier());
    metrics_.Set("tributary_privacy_budget", {{"run", run.name}},
                 plan.epsilon());
  }
  if (run.max_debits) {
    run.privacy->set_most_debits(static_cast<std::uint32_t>(*run.max_debits));
  }
  // What can be read of it is too little, and would pass for what was spent.
  if (absl::Status damage = ledger_.damage(); !damage.ok()) {
    run.privacy->set_problem(std::string(damage.message()));
    return;
  }
  const dp::Spend spend = ledger_.OfRun(run.name);
  run.privacy->set_debits(static_cast<std::uint32_t>(spend.rounds()));
  metrics_.Set("tributary_privacy_debits_total", {{"run", run.name}},
               static_cast<double>(spend.rounds()));
  pool_.Post([this, &run, spend, delta = plan.delta()] {
    const absl::StatusOr<dp::Spend::Epsilon> spent = spend.At(delta);
    Post([this, &run, spent, rounds = spend.rounds()] {
      if (!spent.ok()) {
        Log(Level::kError, "epsilon is not known",
            {{"run", run.name},
             {"error", std::string(spent.status().message())}});
        return;
      }
      // Two may have been worked out at once.
      if (rounds != run.privacy->debits()) return;
      run.privacy->set_epsilon(spent->epsilon);
      metrics_.Set("tributary_privacy_epsilon", {{"run", run.name}},
                   spent->epsilon);
      changed_.insert(&run);
    });
  });
}

bool Runner::IsPaid(Run& run, int round) {
  if (!run.plan.has_privacy() || run.IsChild() ||
      ledger_.IsCharged(run.name, round, run.attempt)) {
    return true;
  }
  FailRun(run, absl::StrCat("round ", round, kNotCharged,
                            std::string(run.unpaid.message())));
  return false;
}

void Runner::ReleaseIfFolded(Run& run) {
  if (run.IsOver() || !run.release || run.folding > 0 ||
      run.releasing != nullptr) {
    return;
  }
  if (run.IsChild()) return HandUp(run);
  if (!IsPaid(run, run.release->round)) return;
  if (run.IsRobust()) return ApplyRule(run);
  if (run.sum->folded() != run.release->contributors.size()) {
    FailRun(run,
            absl::StrCat("round ", run.release->round, ": ", run.sum->folded(),
                         " updates are folded, ",
                         run.release->contributors.size(), " were accepted"));
    return;
  }
  if (run.packed) return FinishPacked(run);
  aggregation::ExactSum sum = run.sum->Take();
  if (sum.weight() != run.release->total_weight ||
      sum.contributions() != run.release->leaves) {
    FailRun(run,
            absl::StrCat("round ", run.release->round, ": ",
                         sum.contributions(), " updates of weight ",
                         sum.weight(), " are folded, ", run.release->leaves,
                         " of ", run.release->total_weight, " were accepted"));
    return;
  }
  sum.DivideBy(run.release->divisor);
  MakeModel(run, std::move(sum));
}

void Runner::MakeModel(Run& run, aggregation::ExactSum&& sum) {
  run.releasing = std::make_shared<ModelRelease>(
      disk_.blobs, pool_,
      ModelRelease::Inputs{.format = run.format,
                           .model = run.engine->state().model,
                           .mixture = run.release->mixture,
                           .round = run.release->round,
                           .state_folder = StateFolder(run)},
      std::move(sum));
  StartRelease(run);
}

void Runner::StartRelease(Run& run) {
  const int round = run.release->round;
  run.releasing->Start(
      [this, &run, round](const absl::StatusOr<Digest>& model) {
        Post([this, &run, round, model] { ReleaseDone(run, round, model); });
      });
}

void Runner::ReleaseDone(Run& run, int round,
                         const absl::StatusOr<Digest>& model) {
  if (run.IsOver() || !run.release || run.release->round != round) return;
  const std::string part = ModelsOf(run);
  if (model.ok()) {
    if (health_.Set(part, absl::OkStatus())) ShowHealth();
    round::ModelReleased released{round, *model};
    if (run.packed) {
      released.next_clip_norm = run.packed->next_clip_norm;
      released.aggregates = run.packed->aggregates;
    }
    released.outliers = std::move(run.outliers);
    run.staleness = StalenessOf(run.engine->state());
    Happen(run, released);
    return;
  }
  if (IsDamage(model.status())) {
    FailRun(run, std::string(model.status().message()));
    return;
  }
  if (health_.Set(part, model.status())) ShowHealth();
  At(clock_() + kRetryPeriod, [this, &run, round] {
    if (!run.IsOver() && run.release && run.release->round == round) {
      StartRelease(run);
    }
  });
}

void Runner::Do(Run& run, const round::CommitRound& effect) {
  const store::RoundRow& row = run.committed;
  if (run.IsChild()) NoteHandedUp(run, effect);
  ForgetRound(run);
  OptimizerState::RemoveAllBut(StateFolder(run), effect.round);
  RemoveUnkeptBlobs(std::exchange(run.forgotten, {}));
  board_.Publish(run.name, [&](v1::RunDetail& detail) {
    // An attempt that the parent gave up after it had its sum.
    if (detail.rounds_size() > 0 &&
        detail.rounds().rbegin()->round() >=
            static_cast<std::uint32_t>(effect.round)) {
      detail.mutable_rounds()->RemoveLast();
    }
    *detail.add_rounds() = ToRecord(row);
  });
  board_.SetModels(run.name, run.models);
  metrics_.Count("tributary_rounds_released_total", {{"run", run.name}});
  metrics_.Set("tributary_round_seconds", {{"run", run.name}}, row.seconds);
  CountQuarantined(run);
  if (run.IsChild()) return;
  Fields fields = {{"run", run.name},
                   {"round", absl::StrCat(effect.round)},
                   {"updates", absl::StrCat(row.accepted)},
                   {"model", effect.model.Hex()}};
  if (run.plan.has_asynchronous()) {
    metrics_.Set("tributary_update_staleness", {{"run", run.name}},
                 run.staleness.mean);
    fields.emplace_back("mean_staleness", absl::StrCat(run.staleness.mean));
    fields.emplace_back("max_staleness", absl::StrCat(run.staleness.max));
  }
  Log(Level::kInfo, "round released", std::move(fields));
}

void Runner::Do(Run& run, const round::AbandonRound& effect) {
  CountAbandonedSession(run);
  ForgetRound(run);
  metrics_.Count("tributary_rounds_abandoned_total", {{"run", run.name}});
  Log(Level::kWarning, "round abandoned",
      {{"run", run.name},
       {"round", absl::StrCat(effect.round)},
       {"attempt", absl::StrCat(effect.attempt)},
       {"lost_updates", absl::StrCat(effect.accepted)},
       {"reason", effect.reason}});
  if (run.listened == TaskName{run.name, effect.round, effect.attempt}) {
    GiveUp(run, effect.reason);
  }
}

void Runner::Do(Run& run, const round::QuarantineClient& effect) {
  CountQuarantined(run);
  Log(Level::kWarning, "client in quarantine",
      {{"run", run.name},
       {"client", effect.client.name},
       {"until_round", absl::StrCat(effect.until)},
       {"reason", effect.reason}});
}

void Runner::CountQuarantined(const Run& run) {
  if (!run.plan.has_quarantine() || run.engine == nullptr) return;
  const std::size_t clients =
      run.IsOver() ? 0 : run.engine->state().quarantined.size();
  metrics_.Set("tributary_quarantined_clients", {{"run", run.name}},
               static_cast<double>(clients));
}

void Runner::Do(Run& run, const round::EndRun& effect) {
  ForgetRound(run);
  GiveUp(run, run.failure.empty() ? effect.reason : run.failure);
  CountQuarantined(run);
  run.wake.reset();
  if (health_.Set(ModelsOf(run), absl::OkStatus())) ShowHealth();
  CountRuns();
  desk_.DropRun(run.name);
  OptimizerState::RemoveAllBut(StateFolder(run), -1);
  // Operators first: whoever hears of the end may ask them.
  Publish(run);
  // Those who waited in the engine wait no longer.
  for (const Session& session : sessions_.All()) {
    if (session.population != run.population) continue;
    sessions_.Send(session.client(), IdleWindow());
  }
  Log(Level::kInfo, "run over",
      {{"run", run.name},
       {"state", v1::RunState_Name(run.state)},
       {"reason", run.failure.empty() ? effect.reason : run.failure}});
}

void Runner::Do(Run&, const round::WakeAt&) {}

void Runner::ForgetRound(Run& run) {
  if (run.sum != nullptr) run.sum->Cancel();
  run.sum.reset();
  run.packed.reset();
  run.folding = 0;
  run.unread.clear();
  if (health_.Set(UpdatesOf(run), absl::OkStatus())) ShowHealth();
  if (run.rule != nullptr) run.rule->Cancel();
  run.rule.reset();
  run.outliers.clear();
  run.accepted.clear();
  run.release.reset();
  run.releasing.reset();
  run.without.clear();
  run.sum_without.clear();
  DropSumFile(run);
}

void Runner::RemoveUnkeptBlobs(const std::set<Digest>& candidates) {
  if (candidates.empty()) return;
  // Runs may share a blob. One that could not be asked about stays until the
  // next start, which removes what nobody keeps.
  const absl::StatusOr<std::set<Digest>> kept = disk_.store->KeptBlobs();
  if (!kept.ok()) return;
  for (const Digest& digest : candidates) {
    if (!kept->contains(digest)) disk_.blobs.Remove(digest);
  }
}

std::filesystem::path Runner::StateFolder(const Run& run) const {
  return std::filesystem::path(options_.state_folder) / "optimizer" / run.name;
}

}  // namespace tributary::coordinator
