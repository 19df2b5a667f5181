// SPDX-License-Identifier: Apache-2.0
#include "tributary/trainer.h"

#include "absl/status/status.h"

namespace tributary {

absl::StatusOr<TrainResult> Trainer::TrainInto(const TrainTask& task,
                                               const Model& model,
                                               const DeltaSink& sink,
                                               const TaskContext& context) {
  std::vector<float> delta(model.manifest.Length());
  absl::StatusOr<TrainResult> result = Train(task, model, delta, context);
  if (result.ok()) sink({.result = *result, .offset = 0, .values = delta});
  return result;
}

absl::StatusOr<EvaluateResult> Trainer::Evaluate(const TrainTask&, const Model&,
                                                 const TaskContext&) {
  return absl::UnimplementedError("this client's trainer does not evaluate");
}

}  // namespace tributary
