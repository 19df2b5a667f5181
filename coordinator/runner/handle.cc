// SPDX-License-Identifier: Apache-2.0
// What reaches the engine thread, as events.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coordinator/checkpoint/fields.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/checkpoint/snapshot.h"
#include "coordinator/runner/runner.h"
#include "coordinator/tree/leaf_names.h"
#include "coordinator/tree/partial_sum.h"
#include "google/protobuf/util/time_util.h"
#include "proto/codec/plan.h"
#include "proto/codec/yaml.h"

namespace tributary::coordinator {
namespace {

// A client's words, without what a terminal would obey; quotes stay as they
// are.
std::string Plain(const std::string& words) {
  return absl::StrReplaceAll(absl::Utf8SafeCEscape(words),
                             {{"\\'", "'"}, {"\\\"", "\""}});
}

// "Digits, again" -> "digits-again".
std::string Slug(const std::string& text) {
  std::string slug;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      slug += absl::ascii_tolower(static_cast<unsigned char>(c));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == 64) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "run" : slug;
}

struct HeaderDefect {
  round::Refusal refusal = round::Refusal::kNone;
  std::string detail;
};

HeaderDefect OffRange(std::uint64_t size, std::uint64_t least,
                      std::uint64_t most) {
  if (size >= least && size <= most) return {};
  return {round::Refusal::kWrongSize,
          absl::StrCat(size, " bytes announced, not ", least, " to ", most)};
}

// The same of a partial sum.
HeaderDefect FindSumDefect(const Run& run, const Session& session,
                           const v1::UpdateHeader& header,
                           const round::Subtree& subtree) {
  if (!session.IsAggregator()) {
    return {round::Refusal::kWrongRole,
            "partial sums come from aggregators alone"};
  }
  const auto format = PartialSumFormat::OfSum(run.format->layout,
                                              subtree.leaves, subtree.weight);
  if (!format.ok()) {
    return {round::Refusal::kBadWeight, std::string(format.status().message())};
  }
  return OffRange(header.size(),
                  LeastNameBytes(subtree.leaves) + format->Bytes(),
                  MostNameBytes(subtree.leaves) + format->Bytes());
}

// What is wrong with an update that is announced, seen from its header alone.
HeaderDefect FindDefect(const Run& run, const Session& session,
                        const v1::UpdateHeader& header,
                        const round::Contribution& contribution) {
  v1::UpdatePlan given;
  given.set_encoding(header.encoding());
  const bool is_packed = header.encoding() == v1::UpdatePlan::PACKED;
  if (is_packed != run.IsPacked() ||
      (!is_packed &&
       codec::ToEncoding(given).encoding != run.format->encoding)) {
    return {round::Refusal::kBadEncoding,
            absl::StrCat("the plan's encoding is ",
                         run.IsPacked() ? "packed"
                                        : std::string(aggregation::Name(
                                              run.format->encoding)))};
  }
  if (contribution.subtree) {
    return FindSumDefect(run, session, header, *contribution.subtree);
  }
  aggregation::SizeRange size =
      aggregation::EncodedSize(run.format->encoding, run.format->layout.length);
  if (is_packed) {
    // No round is open: the engine knows what to answer.
    if (!run.packed) return {};
    const std::uint64_t bytes = PackedCheck::Size(*run.packed->integers);
    size = {bytes, bytes};
    const auto& secure = run.packed->session;
    if (secure && secure->step() == round::SecureStep::kMasking &&
        !secure->HasMaskedInput(session.client())) {
      return {round::Refusal::kBadProtocol,
              "an update before the masked input's message"};
    }
  }
  return OffRange(header.size(), size.min, size.max);
}

}  // namespace

Run* Runner::RunOf(const std::string& population) {
  const auto found = latest_.find(population);
  return found == latest_.end() ? nullptr : found->second;
}

void Runner::RefuseMessage(const Session& session, const std::string& why) {
  CountRefusal(round::Refusal::kBadMessage);
  session.peer->Close(
      absl::InvalidArgumentError(absl::StrCat("bad_message: ", why)));
  Leave(session.id);
}

void Runner::Handle(const Session& session, const v1::ClientMessage& message) {
  if (const absl::Status limits = codec::CheckLimits(message); !limits.ok()) {
    return RefuseMessage(session, std::string(limits.message()));
  }
  if (session.IsAggregator() && !Hear(session)) return;
  switch (message.kind_case()) {
    case v1::ClientMessage::kCheckIn:
      return HandleCheckIn(session);
    case v1::ClientMessage::kUpdateReady:
      return HandleUpdateReady(session, message.update_ready().header());
    case v1::ClientMessage::kEvaluation:
      return HandleEvaluation(session, message.evaluation());
    case v1::ClientMessage::kTaskFailed:
      return HandleTaskFailed(session, message.task_failed());
    case v1::ClientMessage::kSecure:
      return HandleSecure(session, message.secure());
    case v1::ClientMessage::kHello:
      return RefuseMessage(session, "a second hello");
    case v1::ClientMessage::KIND_NOT_SET:
      return RefuseMessage(session, "an empty message");
  }
}

void Runner::WelcomeLater(StreamId stream, const std::string& aggregator,
                          std::uint64_t stored) {
  // One that is gone must not shut out the one that came after it.
  if (!sessions_.IsOpen(stream)) return;
  const AggregatorSession session =
      aggregators_.Join(aggregator, stream, stored, batch_);
  outbox_.push_back([this, stream, aggregator, session] {
    sessions_.Welcome(stream, WelcomeMessage(aggregator, session));
    Log(Level::kInfo, "aggregator joined",
        {{"aggregator", aggregator},
         {"session", absl::StrCat(session.session)},
         {"epoch", absl::StrCat(session.epoch)}});
  });
}

bool Runner::Hear(const Session& session) {
  const std::string& name = session.identity.name;
  switch (aggregators_.Hear(name, session.id, batch_)) {
    case AggregatorBook::Heard::kYes:
      return true;
    case AggregatorBook::Heard::kFirst:
      // What is on its way is of the epoch before.
      outbox_.push_back(
          [this, client = session.client()] { desk_.DropClient(client); });
      Log(Level::kInfo, "an epoch of an aggregator has begun",
          {{"aggregator", name},
           {"epoch", absl::StrCat(aggregators_.Epoch(name))}});
      return true;
    case AggregatorBook::Heard::kFenced:
      break;
  }
  CountRefusal(round::Refusal::kEpochOver);
  session.peer->Close(
      absl::AbortedError("epoch_over: a later session of this aggregator has "
                         "begun; join again"));
  Leave(session.id);
  return false;
}

bool Runner::IsEpochOver(const round::ClientId& aggregator,
                         const round::Contribution& contribution) const {
  return contribution.subtree &&
         contribution.subtree->epoch != aggregators_.Epoch(aggregator.name);
}

void Runner::HandleCheckIn(const Session& session) {
  clients_.Saw(session.identity, session.population,
               std::chrono::system_clock::now());
  Run* run = RunOf(session.population);
  if (run == nullptr || run->IsOver() || is_draining_) {
    // Not before operators know of an end that is still to be committed.
    outbox_.push_back(
        [this, peer = session.peer] { peer->Send(IdleWindow()); });
    return;
  }
  round::CheckIn event{session.client(), session.role()};
  if (session.IsAggregator()) {
    event.epoch = aggregators_.Epoch(session.identity.name);
  }
  Happen(*run, event);
}

void Runner::HandleUpdateReady(const Session& session,
                               const v1::UpdateHeader& header) {
  const auto token = ToToken(header.task_token());
  const auto contribution = ToContribution(header);
  if (!token || !contribution) {
    return RefuseMessage(session,
                         "a token has 16 bytes, a model name 32; a partial sum "
                         "has an epoch, leaves and their names' hash, and no "
                         "weight but its own");
  }
  if (session.IsAggregator() && !contribution->subtree) {
    return RefuseMessage(session, "an aggregator hands up partial sums alone");
  }
  Run* run = RunOf(session.population);
  if (run == nullptr || run->engine == nullptr) {
    CountRefusal(round::Refusal::kRunEnded);
    session.peer->Send(RefusedMessage(*token, round::Refusal::kRunEnded, ""));
    return;
  }
  const UploadKey key{session.client(), *token};
  if (session.IsAggregator() && IsEpochOver(key.client, *contribution)) {
    // Not the engine's: the task stands, for the epoch that counts.
    CountRefusal(round::Refusal::kEpochOver);
    clients_.Refused(key.client);
    session.peer->Send(RefusedMessage(
        key.token, round::Refusal::kEpochOver,
        absl::StrCat("a sum of epoch ", contribution->subtree->epoch,
                     ", and epoch ", aggregators_.Epoch(key.client.name),
                     " counts")));
    return;
  }
  const HeaderDefect defect = FindDefect(*run, session, header, *contribution);
  if (defect.refusal != round::Refusal::kNone) {
    run->details[key] = defect.detail;
    Happen(*run, round::UpdateArrived{key.client, key.token, *contribution,
                                      defect.refusal});
    return;
  }
  run->announced[key] = {.key = key,
                         .run = run->name,
                         .contribution = *contribution,
                         .size = header.size(),
                         .checksum = header.checksum(),
                         .format = run->format};
  if (run->packed) {
    run->announced[key].integers = run->packed->integers;
    run->announced[key].masks = run->packed->masks;
  }
  Happen(*run, round::UpdateAnnounced{key.client, key.token, *contribution});
}

void Runner::HandleEvaluation(const Session& session,
                              const v1::EvaluationResult& result) {
  const auto token = ToToken(result.task_token());
  if (!token ||
      result.metrics_size() > static_cast<int>(checkpoint::kMaxMetrics)) {
    return RefuseMessage(session, "an evaluation over its limits");
  }
  round::Metrics metrics;
  for (const auto& [name, value] : result.metrics()) {
    if (name.empty() || name.size() > checkpoint::kMaxMetricName) {
      return RefuseMessage(session, "a metric's name has 1 to 64 bytes");
    }
    metrics[name] = value;
  }
  Run* run = RunOf(session.population);
  if (run == nullptr || run->engine == nullptr) {
    CountRefusal(round::Refusal::kRunEnded);
    session.peer->Send(RefusedMessage(*token, round::Refusal::kRunEnded, ""));
    return;
  }
  Happen(*run, round::EvaluationArrived{session.client(), *token,
                                        std::move(metrics)});
}

void Runner::HandleTaskFailed(const Session& session,
                              const v1::TaskFailed& failed) {
  const auto token = ToToken(failed.task_token());
  if (!token) return RefuseMessage(session, "a token has 16 bytes");
  Run* run = RunOf(session.population);
  Log(Level::kWarning, "a client gave its task up",
      {{"run", run == nullptr ? "" : run->name},
       {"client", session.identity.name},
       {"reason", failed.message().substr(0, 1024)}});
  if (run == nullptr || run->engine == nullptr) return;
  // Its words end up on operators' terminals.
  run->last_failure = absl::StrCat(session.identity.name, ": ",
                                   Plain(failed.message().substr(0, 256)));
  desk_.Drop({session.client(), *token});
  Happen(*run, round::TaskFailed{session.client(), *token});
}

// ---- uploads ----

bool Runner::SendGrant(const UploadKey& key, std::uint64_t offset) {
  return sessions_.Send(key.client, GrantMessage(key.token, offset));
}

void Runner::UploadReceived(std::size_t bytes) {
  metrics_.Count("tributary_upload_bytes_total", {},
                 static_cast<double>(bytes));
}

void Runner::UploadEnded(UploadResult result) {
  if (result.defect != round::Refusal::kNone) {
    Post([this, result = std::move(result)]() mutable {
      Arrived(std::move(result));
    });
    return;
  }
  // Synced here and not with the journal: an update is long and a journal's
  // batch is short.
  pool_.Post([this, result = std::move(result)]() mutable {
    const absl::Status synced = result.update.slot->Sync();
    Post([this, synced, result = std::move(result)]() mutable {
      if (synced.ok()) {
        Arrived(std::move(result));
      } else {
        SyncFailed(result.terms.key, synced);
      }
    });
  });
}

// After a failed sync nothing is known of the bytes: the client sends them all
// again, once it has seen its stream end.
void Runner::SyncFailed(const UploadKey& key, const absl::Status& status) {
  desk_.Drop(key);
  SpoolFailed(status);
  for (const Session& session : sessions_.All()) {
    if (session.client() != key.client) continue;
    session.peer->Close(absl::UnavailableError("the update was not stored"));
    Leave(session.id);
  }
}

void Runner::SpoolFailed(const absl::Status& status) {
  const bool is_news = health_.Set("spool", status);
  Post([this, is_news] {
    if (is_news) ShowHealth();
    if (std::exchange(is_probing_, true)) return;
    ProbeSpool();
  });
}

void Runner::ProbeSpool() {
  constexpr std::chrono::milliseconds kProbePeriod{500};
  At(clock_() + kProbePeriod, [this] {
    pool_.Post([this] {
      const absl::Status works = disk_.spool->Probe();
      Post([this, works] {
        if (!works.ok()) return ProbeSpool();
        is_probing_ = false;
        if (health_.Set("spool", absl::OkStatus())) ShowHealth();
      });
    });
  });
}

void Runner::Arrived(UploadResult result) {
  const UploadTerms& terms = result.terms;
  const auto found = runs_.find(terms.run);
  if (found == runs_.end()) return;
  Run& run = *found->second;
  if (IsEpochOver(terms.key.client, terms.contribution)) {
    // Whoever sent it is not there any more.
    CountRefusal(round::Refusal::kEpochOver);
    Log(Level::kInfo, "a sum of an epoch that is over",
        {{"run", run.name}, {"aggregator", terms.key.client.name}});
    return;
  }
  if (result.defect == round::Refusal::kNone) {
    run.arrived[terms.key] = std::move(result.update);
  } else {
    run.details[terms.key] = std::move(result.detail);
  }
  Happen(run, round::UpdateArrived{terms.key.client, terms.key.token,
                                   terms.contribution, result.defect,
                                   std::move(result.leaves)});
}

// ---- runs ----

absl::StatusOr<std::string> Runner::Begin(
    const store::RunRow& submitted, std::shared_ptr<const ModelFormat> format,
    std::int64_t earlier_debits) {
  store::RunRow row = submitted;
  row.number = runs_submitted_ + 1;
  absl::StatusOr<std::unique_ptr<Run>> made = MakeRun(row);
  if (!made.ok()) return made.status();
  Run& run = **made;
  if (const Run* other = RunOf(run.population);
      other != nullptr && !other->IsOver()) {
    return absl::FailedPreconditionError(
        absl::StrCat("population \"", run.population, "\" is busy with run \"",
                     other->name, "\""));
  }
  if (run.plan.has_privacy() &&
      ledger_.OfPopulation(run.population).rounds() != earlier_debits) {
    return absl::AbortedError(
        absl::StrCat("another run of population \"", run.population,
                     "\" has spent of its budget meanwhile; submit again"));
  }
  // Until the run stands in the database, nothing keeps its blobs.
  const auto archive = Digest::FromBytes(row.archive);
  if (!disk_.blobs.Has(row.first_model) ||
      (archive.ok() && !disk_.blobs.Has(*archive))) {
    return absl::AbortedError(
        "the first model or its archive was just removed; submit again");
  }

  row.run = absl::StrCat(Slug(run.plan.name()), "-", row.number);
  run.name = run.frame.run = row.run;
  run.models[0] = row.first_model;
  absl::Status entered = Enter(*std::move(made), row, std::move(format));
  if (!entered.ok()) return entered;
  batch_.push_back(store::KeepModel{row.run, 0, row.first_model});
  return row.run;
}

absl::Status Runner::Enter(std::unique_ptr<Run> made, const store::RunRow& row,
                           std::shared_ptr<const ModelFormat> format) {
  Run& run = *made;
  run.recorded_rounds = options_.recorded_rounds;
  absl::StatusOr<round::Options> options = OptionsOf(row, run.plan);
  if (!options.ok()) return options.status();
  absl::StatusOr<Key> key = KeyOf(row);
  if (!key.ok()) return key.status();
  run.key = *key;
  run.format = std::move(format);
  run.engine = std::make_unique<round::Engine>(*options, *key, row.first_model);
  run.started = clock_();
  ++runs_submitted_;
  batch_.push_back(store::AddRun{row});
  batch_.push_back(store::SaveSnapshot{
      row.run,
      {.seq = 0, .state = checkpoint::EncodeState(run.engine->state())}});
  latest_[run.population] = &run;
  outbox_.push_back([this, row, added = &run] {
    ShowNew(*added, row);
    CountRuns();
    Log(Level::kInfo, row.tier == 0 ? "run submitted" : "run of the parent's",
        {{"run", row.run}, {"population", added->population}});
  });
  changed_.insert(&run);
  ShowPrivacy(run);
  runs_[row.run] = std::move(made);
  return absl::OkStatus();
}

void Runner::CountRuns() {
  const auto running =
      std::count_if(runs_.begin(), runs_.end(),
                    [](const auto& run) { return !run.second->IsOver(); });
  metrics_.Set("tributary_runs", {}, static_cast<double>(running));
}

void Runner::FailRun(Run& run, const std::string& why) {
  if (run.IsOver()) return;
  Log(Level::kError, "run failed", {{"run", run.name}, {"error", why}});
  run.failure = why;
  Happen(run, round::StopRequested{});
}

void Runner::ShowNew(const Run& run, const store::RunRow& row) {
  board_.Publish(run.name, [&](v1::RunDetail& detail) {
    v1::RunSummary& summary = *detail.mutable_summary();
    summary.set_run(run.name);
    summary.set_plan_name(run.plan.name());
    summary.set_population(run.population);
    summary.set_total_rounds(run.plan.stop().rounds());
    *detail.mutable_plan() = run.plan;
    *summary.mutable_submitted() =
        google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
            row.submitted);
    Describe(run, detail);
  });
  board_.SetModels(run.name, run.models);
}

void Runner::Publish(const Run& run) {
  board_.Publish(run.name,
                 [&](v1::RunDetail& detail) { Describe(run, detail); });
}

}  // namespace tributary::coordinator
