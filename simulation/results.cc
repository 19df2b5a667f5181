// SPDX-License-Identifier: Apache-2.0
#include "simulation/results.h"

#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "proto/codec/privacy_terms.h"
#include "proto/codec/yaml.h"
#include "simulation/checkpoint_file.h"
#include "simulation/client_evaluation.h"
#include "simulation/first_model.h"
#include "simulation/report/event_file.h"
#include "simulation/report/run_record.h"
#include "simulation/write_file.h"

namespace tributary::simulation {
namespace {

double Seconds(round::Instant instant) {
  return std::chrono::duration<double>(instant.time_since_epoch()).count();
}

nlohmann::ordered_json ToJson(const Spending& spending) {
  return {{"bytes_down", spending.bytes_down},
          {"bytes_up", spending.bytes_up},
          {"training_seconds", spending.training_seconds},
          {"network_seconds", spending.network_seconds},
          {"joules", spending.joules}};
}

// Of all classes of devices together.
nlohmann::ordered_json EffortOf(const RoundSummary& round) {
  Effort all;
  for (const Effort& each : round.efforts) all += each;
  nlohmann::ordered_json tasks = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const std::string name(Name(static_cast<Outcome>(i)));
    if (all.tasks[i] > 0) tasks[name] = all.tasks[i];
  }
  return {{"tasks", std::move(tasks)},
          {"spent", ToJson(all.spent)},
          {"wasted", ToJson(all.wasted)}};
}

// As many of the file's lines as it has, up to `count`.
std::string FirstLines(const std::filesystem::path& file, int count) {
  std::ifstream in(file);
  std::string lines;
  std::string line;
  for (int i = 0; i < count && std::getline(in, line) && !in.eof(); ++i) {
    absl::StrAppend(&lines, line, "\n");
  }
  return lines;
}

}  // namespace

absl::Status PrepareFolder(const std::filesystem::path& folder,
                           ExistingFiles existing) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder, error)) {
    return absl::UnavailableError(
        absl::StrCat("--out: cannot create ", folder.string(), ": ",
                     error ? error.message() : "it is no folder"));
  }
  const bool is_empty = std::filesystem::is_empty(folder, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "--out: cannot read ", folder.string(), ": ", error.message()));
  }
  if (!is_empty && existing == ExistingFiles::kRefuse) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--out: ", folder.string(), " is not empty; ",
        HasCheckpoint(folder) ? "--resume goes on with the run in it, " : "",
        "--force overwrites what is there"));
  }
  return existing == ExistingFiles::kResume ? absl::OkStatus()
                                            : RemoveCheckpoint(folder);
}

absl::StatusOr<std::unique_ptr<Results>> Results::Open(
    const std::filesystem::path& folder, const v1::Plan& plan) {
  if (auto status = WriteFile(folder / "plan.yaml", {codec::ToYaml(plan)});
      !status.ok()) {
    return status;
  }
  // Nor are an earlier simulation's debits.
  std::error_code ignored;
  std::filesystem::remove(folder / kLedgerFile, ignored);
  return Reopen(folder, plan, 0);
}

absl::StatusOr<std::unique_ptr<Results>> Results::Reopen(
    const std::filesystem::path& folder, const v1::Plan& plan, int rounds) {
  // A model of an earlier simulation is not this one's.
  std::error_code ignored;
  std::filesystem::remove(folder / "model.safetensors", ignored);
  const std::string times = FirstLines(folder / "timing.jsonl", rounds);
  std::unique_ptr<Results> results(new Results(folder, plan, rounds));
  results->timing_ << times << std::flush;
  if (plan.has_privacy()) {
    auto ledger = RunLedger::Open(folder / kLedgerFile);
    if (!ledger.ok()) return ledger.status();
    results->ledger_ = *std::move(ledger);
  }
  if (auto open = results->CheckOpen(); !open.ok()) return open;
  return results;
}

Results::Results(const std::filesystem::path& folder, const v1::Plan& plan,
                 int past)
    : folder_(folder),
      plan_(plan),
      metrics_(folder / "metrics.jsonl"),
      timing_(folder / "timing.jsonl"),
      events_(folder / kEventFileName, std::ios::binary),
      past_(past) {
  for (const auto& each : plan.simulation().devices()) {
    classes_.push_back(each.name());
  }
  events_ << EventFileHeader() << std::flush;
}

absl::Status Results::CheckOpen() const {
  if (metrics_ && timing_ && events_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      folder_.string(), ": cannot write metrics.jsonl, timing.jsonl or ",
      kEventFileName));
}

absl::Status Results::OnCharge(const Charge& charge) {
  return ledger_ == nullptr ? absl::OkStatus() : ledger_->Charge(charge);
}

absl::StatusOr<std::optional<PrivacyStatement>> Results::Spent() const {
  if (ledger_ == nullptr) return std::nullopt;
  const v1::PrivacyPlan& plan = plan_.privacy();
  const auto spent = ledger_->spend().At(plan.delta());
  if (!spent.ok()) return spent.status();
  return PrivacyStatement{
      .epsilon = spent->epsilon,
      .delta = spent->delta,
      .releases = static_cast<int>(ledger_->spend().rounds()),
      .unit = std::string(dp::Name(dp::Unit::kClient)),
      .neighbours =
          std::string(dp::Name(codec::ToNeighbours(plan.neighbours()))),
      .sampling = std::string(dp::Name(codec::ToSampling(plan.sampling()))),
      .accountant = std::string(dp::Name(spent->accountant)),
      .noise = std::string(dp::Name(codec::ToNoise(plan.noise()))),
      .noise_multiplier = plan.noise_multiplier()};
}

void Results::OnRound(const RoundSummary& round) {
  const auto now = WallClock::now();
  const std::chrono::duration<double> wall = now - last_round_;
  last_round_ = now;
  if (round.round > past_) {
    const nlohmann::ordered_json line = {{"round", round.round},
                                         {"wall_seconds", wall.count()}};
    timing_ << line.dump() << "\n" << std::flush;
  }
  waiting_.emplace(round.round, round);
  // An epsilon takes long beside a small round.
  if (ledger_ != nullptr && IsEvaluated(round.round)) {
    const auto spent = Spent();
    if (spent.ok()) epsilons_[round.round] = (*spent)->epsilon;
  }
  efforts_.resize(round.efforts.size());
  for (std::size_t i = 0; i < efforts_.size(); ++i) {
    efforts_[i] += round.efforts[i];
  }
  // What clients find comes next.
  if (!ClientsJudge(plan_, round.round)) WriteUnlessEvaluated(round.round);
}

void Results::OnClientEvaluation(int round, const round::Metrics& metrics) {
  evaluated_[round].insert(metrics.begin(), metrics.end());
  WriteUnlessEvaluated(round);
}

void Results::OnEvaluation(int round, const round::Metrics& metrics) {
  evaluated_[round].insert(metrics.begin(), metrics.end());
  WriteUpTo(round);
}

bool Results::IsEvaluated(int round) const {
  const auto every = static_cast<int>(plan_.evaluation().every_rounds());
  const auto rounds = static_cast<int>(plan_.stop().rounds());
  return every > 0 && (round % every == 0 || round == rounds);
}

void Results::WriteUnlessEvaluated(int round) {
  if (!IsEvaluated(round) && waiting_.size() == 1) WriteUpTo(round);
}

void Results::OnAbandoned(const round::AbandonRound& attempt) {
  ++abandoned_[attempt.round];
}

void Results::WriteUpTo(int round) {
  while (!waiting_.empty() && waiting_.begin()->first <= round) {
    const RoundSummary& summary = waiting_.begin()->second;
    Write(summary, evaluated_[summary.round]);
    evaluated_.erase(summary.round);
    waiting_.erase(waiting_.begin());
  }
}

void Results::Write(const RoundSummary& round, const round::Metrics& metrics) {
  nlohmann::ordered_json line = {{"round", round.round},
                                 {"attempt", round.attempt},
                                 {"asked", round.asked},
                                 {"accepted", round.accepted}};
  if (round.aggregates) {
    line["examples"] = round.aggregates->examples;
    line["train_loss"] = round.aggregates->train_loss;
  }
  if (round.outliers) line["outliers"] = *round.outliers;
  if (round.quarantined) line["quarantined"] = *round.quarantined;
  line["metrics"] = metrics;
  if (round.clip_norm) {
    line["privacy"]["clip_norm"] = *round.clip_norm;
    if (const auto epsilon = epsilons_.extract(round.round)) {
      line["privacy"]["epsilon"] = epsilon.mapped();
    }
  }
  line["abandoned_attempts"] = abandoned_[round.round];
  line["opened_seconds"] = Seconds(round.opened);
  line["virtual_seconds"] = Seconds(round.committed);
  line["effort"] = EffortOf(round);
  line["model"] = round.model.Hex();
  const std::string text = line.dump();
  metrics_ << text << "\n" << std::flush;
  events_ << ScalarsRecord(round.round, Seconds(round.committed),
                           NumbersOf(text))
          << std::flush;
}

absl::Status Results::Close(const std::string& header, const Model& model) {
  if (!waiting_.empty()) WriteUpTo(waiting_.rbegin()->first);
  metrics_.close();
  timing_.close();
  events_.close();
  if (!metrics_ || !timing_ || !events_) {
    return absl::UnavailableError(absl::StrCat(
        (folder_ / "metrics.jsonl").string(), ": not written completely"));
  }
  if (auto status = WriteFile(folder_ / "devices.txt",
                              {FormatEfforts(classes_, efforts_)});
      !status.ok()) {
    return status;
  }
  if (ledger_ != nullptr) {
    if (auto written = ledger_->WriteParticipation(); !written.ok()) {
      return written;
    }
  }
  return WriteModel(folder_ / "model.safetensors", header, model);
}

}  // namespace tributary::simulation
