// SPDX-License-Identifier: Apache-2.0
#include "simulation/job_outcome.h"

#include <utility>

#include "tributary/v1/ranks.pb.h"

namespace tributary::simulation {
namespace {

v1::JobOutcome ToMessage(const absl::Status& failure) {
  v1::JobOutcome message;
  message.mutable_failure()->set_code(
      static_cast<std::uint32_t>(failure.raw_code()));
  message.mutable_failure()->set_message(std::string(failure.message()));
  return message;
}

absl::Status ToStatus(const v1::JobOutcome::Failure& failure) {
  return absl::Status(static_cast<absl::StatusCode>(failure.code()),
                      failure.message());
}

absl::StatusOr<v1::JobOutcome> Read(std::string_view bytes) {
  v1::JobOutcome message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return message;
  }
  return absl::DataLossError("another rank's outcome of a job is damaged");
}

absl::Status OfAnotherKind() {
  return absl::DataLossError(
      "another rank did a job of another kind than this one has");
}

}  // namespace

std::string Serialise(const TrainingOutcome& outcome) {
  if (!outcome.update.ok()) {
    return ToMessage(outcome.update.status()).SerializeAsString();
  }
  v1::JobOutcome message;
  v1::TrainedUpdate& update = *message.mutable_update();
  *update.mutable_header() = outcome.update->header;
  // The two enumerations have the same values (coordinator/round/types.h).
  update.set_defect(static_cast<v1::Refusal>(outcome.defect));
  update.set_saturated(outcome.update->saturated);
  return message.SerializeAsString();
}

std::string Serialise(const EvaluationOutcome& outcome) {
  if (!outcome.ok()) return ToMessage(outcome.status()).SerializeAsString();
  v1::JobOutcome message;
  v1::EvaluationResult& judgement = *message.mutable_judgement();
  judgement.set_examples(outcome->examples);
  for (const auto& [name, value] : outcome->metrics) {
    (*judgement.mutable_metrics())[name] = value;
  }
  return message.SerializeAsString();
}

absl::Status Parse(std::string_view bytes, TrainingOutcome& outcome) {
  auto message = Read(bytes);
  if (!message.ok()) return message.status();
  if (message->has_failure()) {
    outcome.update = ToStatus(message->failure());
    return absl::OkStatus();
  }
  if (!message->has_update()) return OfAnotherKind();
  v1::TrainedUpdate& update = *message->mutable_update();
  PreparedUpdate prepared;
  prepared.header = std::move(*update.mutable_header());
  prepared.saturated = update.saturated();
  outcome.update = std::move(prepared);
  outcome.defect = static_cast<round::Refusal>(update.defect());
  return absl::OkStatus();
}

absl::Status Parse(std::string_view bytes, EvaluationOutcome& outcome) {
  const auto message = Read(bytes);
  if (!message.ok()) return message.status();
  if (message->has_failure()) {
    outcome = ToStatus(message->failure());
    return absl::OkStatus();
  }
  if (!message->has_judgement()) return OfAnotherKind();
  EvaluateResult result;
  result.examples = message->judgement().examples();
  for (const auto& [name, value] : message->judgement().metrics()) {
    result.metrics[name] = value;
  }
  outcome = std::move(result);
  return absl::OkStatus();
}

}  // namespace tributary::simulation
