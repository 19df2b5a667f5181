// SPDX-License-Identifier: Apache-2.0
// What the rank that did a job tells the others of it
// (simulation/shared_work.h): all that the virtual world needs. An update's
// bytes stay where they were made, and so does the client's state.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/core/update.h"
#include "coordinator/round/types.h"
#include "tributary/trainer.h"

namespace tributary::simulation {

// Of training: the update, or why there is none, and what is wrong with it.
struct TrainingOutcome {
  // Without bytes: another rank has them.
  absl::StatusOr<PreparedUpdate> update = absl::UnknownError("not trained");
  round::Refusal defect = round::Refusal::kNone;
};
using EvaluationOutcome = absl::StatusOr<EvaluateResult>;

std::string Serialise(const TrainingOutcome& outcome);
std::string Serialise(const EvaluationOutcome& outcome);

// DataLoss if the bytes are not what Serialise gave.
absl::Status Parse(std::string_view bytes, TrainingOutcome& outcome);
absl::Status Parse(std::string_view bytes, EvaluationOutcome& outcome);

}  // namespace tributary::simulation
