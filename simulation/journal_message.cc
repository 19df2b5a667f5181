// SPDX-License-Identifier: Apache-2.0
#include "simulation/journal_message.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/assign.h"
#include "coordinator/checkpoint/fields.h"

namespace tributary::simulation {
namespace {

// More than a session passes on (client/core/session.cc).
constexpr std::size_t kLongestMessage = 4096;

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("simulation journal: ", std::string(what)));
}

using NamedValues = google::protobuf::RepeatedPtrField<v1::NamedValue>;

void Write(const std::map<std::string, double>& metrics, NamedValues& to) {
  for (const auto& [name, value] : metrics) {
    v1::NamedValue& metric = *to.Add();
    metric.set_name(name);
    metric.set_value(value);
  }
}

absl::StatusOr<std::map<std::string, double>> Read(const NamedValues& from) {
  std::map<std::string, double> metrics;
  for (const v1::NamedValue& metric : from) {
    if (!metrics.emplace(metric.name(), metric.value()).second) {
      return Damaged("a metric twice");
    }
  }
  return metrics;
}

v1::SimulationJournal::Judgement ToMessage(
    const std::optional<EvaluateResult>& judgement) {
  v1::SimulationJournal::Judgement message;
  if (!judgement) return message;
  message.set_examples(judgement->examples);
  Write(judgement->metrics, *message.mutable_metrics());
  return message;
}

absl::StatusOr<std::optional<EvaluateResult>> FromMessage(
    const v1::SimulationJournal::Judgement& message) {
  if (!message.has_examples()) {
    if (message.metrics_size() > 0) return Damaged("metrics of a failed task");
    return std::nullopt;
  }
  EvaluateResult judgement;
  judgement.examples = message.examples();
  TRIBUTARY_ASSIGN(judgement.metrics, Read(message.metrics()));
  return judgement;
}

v1::SimulationJournal::Release ToMessage(const Journal::Release& release) {
  v1::SimulationJournal::Release message;
  message.set_model(checkpoint::FromModel(release.model));
  if (release.next_clip_norm) {
    message.set_next_clip_norm(*release.next_clip_norm);
  }
  if (release.aggregates) {
    message.set_examples(release.aggregates->examples);
    message.set_train_loss(release.aggregates->train_loss);
  }
  if (release.outliers) {
    checkpoint::Write(*release.outliers,
                      message.mutable_outliers()->mutable_clients());
  }
  if (release.adversaries.copied) {
    message.set_copied(*release.adversaries.copied);
  }
  message.set_step(release.adversaries.step);
  return message;
}

absl::StatusOr<Journal::Release> FromMessage(
    const v1::SimulationJournal::Release& message) {
  Journal::Release release;
  TRIBUTARY_ASSIGN(release.model, checkpoint::ToModel(message.model()));
  if (message.has_next_clip_norm()) {
    release.next_clip_norm = message.next_clip_norm();
  }
  if (message.has_examples() != message.has_train_loss()) {
    return Damaged("examples or a loss without the other");
  }
  if (message.has_examples()) {
    release.aggregates =
        round::Aggregates{message.examples(), message.train_loss()};
  }
  if (message.has_outliers()) {
    std::set<round::ClientId> outliers;
    TRIBUTARY_ASSIGN(outliers,
                     checkpoint::ToClients(message.outliers().clients()));
    release.outliers.emplace(outliers.begin(), outliers.end());
  }
  if (message.has_copied()) release.adversaries.copied = message.copied();
  release.adversaries.step = message.step();
  return release;
}

}  // namespace

v1::SimulationJournal ToMessage(const Journal::Contents& journal) {
  v1::SimulationJournal message;
  const int updates = static_cast<int>(journal.updates.size());
  message.mutable_sizes()->Reserve(updates);
  message.mutable_weights()->Reserve(updates);
  message.mutable_train_losses()->Reserve(updates);
  for (const Journal::Update& update : journal.updates) {
    message.add_sizes(update.size);
    message.add_weights(update.weight);
    message.add_train_losses(update.train_loss);
  }
  message.mutable_defects()->Reserve(static_cast<int>(journal.defects.size()));
  for (const round::Refusal defect : journal.defects) {
    message.add_defects(checkpoint::FromRefusal(defect));
  }
  for (const auto& judgement : journal.judgements) {
    *message.add_judgements() = ToMessage(judgement);
  }
  for (const absl::Status& status : journal.failures) {
    auto& failure = *message.add_failures();
    failure.set_code(static_cast<std::uint32_t>(status.code()));
    failure.set_message(
        std::string(status.message().substr(0, kLongestMessage)));
  }
  for (const Journal::Release& release : journal.releases) {
    *message.add_releases() = ToMessage(release);
  }
  for (const round::Metrics& metrics : journal.client_metrics) {
    Write(metrics, *message.add_client_metrics()->mutable_metrics());
  }
  return message;
}

absl::StatusOr<Journal::Contents> FromMessage(
    const v1::SimulationJournal& message) {
  Journal::Contents journal;
  if (message.weights_size() != message.sizes_size() ||
      message.train_losses_size() != message.sizes_size()) {
    return Damaged("updates with parts of different numbers");
  }
  journal.updates.reserve(static_cast<std::size_t>(message.sizes_size()));
  for (int i = 0; i < message.sizes_size(); ++i) {
    journal.updates.push_back({.size = message.sizes(i),
                               .weight = message.weights(i),
                               .train_loss = message.train_losses(i)});
  }
  journal.defects.reserve(static_cast<std::size_t>(message.defects_size()));
  for (int i = 0; i < message.defects_size(); ++i) {
    round::Refusal defect{};
    TRIBUTARY_ASSIGN(defect, checkpoint::ToRefusal(message.defects(i)));
    journal.defects.push_back(defect);
  }
  for (const auto& from : message.judgements()) {
    std::optional<EvaluateResult> judgement;
    TRIBUTARY_ASSIGN(judgement, FromMessage(from));
    journal.judgements.push_back(std::move(judgement));
  }
  for (const auto& from : message.failures()) {
    constexpr std::uint32_t kLastCode = 16;
    if (from.code() < 1 || from.code() > kLastCode) {
      return Damaged(absl::StrCat("a failure of code ", from.code()));
    }
    journal.failures.emplace_back(static_cast<absl::StatusCode>(from.code()),
                                  from.message());
  }
  for (const auto& from : message.releases()) {
    Journal::Release release;
    TRIBUTARY_ASSIGN(release, FromMessage(from));
    journal.releases.push_back(release);
  }
  for (const auto& from : message.client_metrics()) {
    round::Metrics metrics;
    TRIBUTARY_ASSIGN(metrics, Read(from.metrics()));
    journal.client_metrics.push_back(std::move(metrics));
  }
  return journal;
}

}  // namespace tributary::simulation
