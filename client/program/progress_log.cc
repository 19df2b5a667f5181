// SPDX-License-Identifier: Apache-2.0
#include "client/program/progress_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tributary::program {
namespace {

const char* Name(ClientProgress::Stage stage) {
  switch (stage) {
    case ClientProgress::Stage::kConnecting:
      return "connecting";
    case ClientProgress::Stage::kWaiting:
      return "waiting";
    case ClientProgress::Stage::kDownloading:
      return "downloading";
    case ClientProgress::Stage::kTraining:
      return "training";
    case ClientProgress::Stage::kEvaluating:
      return "evaluating";
    case ClientProgress::Stage::kUploading:
      return "uploading";
    case ClientProgress::Stage::kAccepted:
      return "accepted";
    case ClientProgress::Stage::kRefused:
      return "refused";
    case ClientProgress::Stage::kDisconnected:
      return "disconnected";
  }
  return "?";
}

std::string Line(const std::string& what, const std::string& run, int round,
                 const std::string& detail) {
  std::string line = what;
  if (!run.empty()) {
    line.resize(std::max<std::size_t>(line.size(), 12), ' ');
    absl::StrAppend(&line, "run ", run, " round ", round);
  }
  if (!detail.empty()) absl::StrAppend(&line, ": ", detail);
  return line;
}

}  // namespace

void ProgressLog::Note(const ClientProgress& progress) {
  std::string detail = progress.detail;
  const char* separator = detail.empty() ? "" : "; ";
  if (progress.clip_norm > 0) {
    absl::StrAppend(&detail, separator, "clipped to the plan's norm ",
                    progress.clip_norm);
  } else if (progress.saturated > 0) {
    absl::StrAppend(&detail, separator, progress.saturated,
                    " coordinates clamped to the plan's bound");
  }
  Write(Line(Name(progress.stage), progress.run, progress.round, detail));
}

void ProgressLog::Write(const std::string& line) {
  std::lock_guard lock(mutex_);
  if (line == last_) return;
  last_ = line;
  out_ << line << std::endl;
}

absl::StatusOr<TrainResult> LoggedTrainer::Train(const TrainTask& task,
                                                 const Model& model,
                                                 std::span<float> delta,
                                                 const TaskContext& context) {
  auto result = trainer_.Train(task, model, delta, context);
  log_.Write(result.ok() ? Line("trained", task.run, task.round,
                                absl::StrCat(result->examples,
                                             " examples, loss ", result->loss))
                         : Line("failed", task.run, task.round,
                                std::string(result.status().message())));
  return result;
}

absl::StatusOr<EvaluateResult> LoggedTrainer::Evaluate(
    const TrainTask& task, const Model& model, const TaskContext& context) {
  auto result = trainer_.Evaluate(task, model, context);
  if (!result.ok()) {
    log_.Write(Line("failed", task.run, task.round,
                    std::string(result.status().message())));
    return result;
  }
  std::string detail = absl::StrCat(result->examples, " examples");
  for (const auto& [name, value] : result->metrics) {
    absl::StrAppend(&detail, ", ", name, " ", value);
  }
  log_.Write(Line("evaluated", task.run, task.round, detail));
  return result;
}

}  // namespace tributary::program
