// SPDX-License-Identifier: Apache-2.0
#include "tributary/trainer.h"

#include "absl/status/status.h"

namespace tributary {

absl::StatusOr<EvaluateResult> Trainer::Evaluate(const TrainTask&, const Model&,
                                                 const TaskContext&) {
  return absl::UnimplementedError("this client's trainer does not evaluate");
}

}  // namespace tributary
