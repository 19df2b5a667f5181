// SPDX-License-Identifier: Apache-2.0
#include "simulation/journal.h"

#include <utility>

#include "aggregation/invariant.h"

namespace tributary::simulation {

Journal::Journal(Contents past)
    : contents_(std::move(past)), is_replaying_(true) {}

void Journal::NoteUpdate(const absl::StatusOr<Update>& update) {
  if (!update.ok()) contents_.failures.push_back(update.status());
  contents_.updates.push_back(update.value_or(Update{}));
}

void Journal::NoteDefect(round::Refusal defect) {
  contents_.defects.push_back(defect);
}

void Journal::NoteJudgement(const absl::StatusOr<EvaluateResult>& judgement) {
  if (judgement.ok()) {
    contents_.judgements.emplace_back(*judgement);
  } else {
    contents_.failures.push_back(judgement.status());
    contents_.judgements.emplace_back(std::nullopt);
  }
}

void Journal::NoteRelease(const Release& release) {
  contents_.releases.push_back(release);
}

void Journal::NoteClientMetrics(const round::Metrics& metrics) {
  contents_.client_metrics.push_back(metrics);
}

template <typename Entry>
Entry Journal::Recall(const std::vector<Entry>& entries, std::size_t& next) {
  TRIBUTARY_INVARIANT(is_replaying_, ==, true);
  if (next < entries.size()) return entries[next++];
  is_exhausted_ = true;
  return Entry{};
}

absl::Status Journal::RecallFailure() {
  const absl::Status failure = Recall(contents_.failures, failure_);
  return failure.ok() ? absl::UnknownError("not in the journal") : failure;
}

absl::StatusOr<Journal::Update> Journal::RecallUpdate() {
  const Update update = Recall(contents_.updates, update_);
  if (update.weight == 0) return RecallFailure();
  return update;
}

round::Refusal Journal::RecallDefect() {
  return Recall(contents_.defects, defect_);
}

absl::StatusOr<EvaluateResult> Journal::RecallJudgement() {
  auto judgement = Recall(contents_.judgements, judgement_);
  if (!judgement) return RecallFailure();
  return *std::move(judgement);
}

Journal::Release Journal::RecallRelease() {
  return Recall(contents_.releases, release_);
}

round::Metrics Journal::RecallClientMetrics() {
  return Recall(contents_.client_metrics, client_metrics_);
}

absl::Status Journal::EndReplay() {
  is_replaying_ = false;
  const bool all = update_ == contents_.updates.size() &&
                   defect_ == contents_.defects.size() &&
                   judgement_ == contents_.judgements.size() &&
                   failure_ == contents_.failures.size() &&
                   release_ == contents_.releases.size() &&
                   client_metrics_ == contents_.client_metrics.size();
  if (all && !is_exhausted_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the run does not go as its journal says");
}

}  // namespace tributary::simulation
