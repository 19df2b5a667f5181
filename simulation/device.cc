// SPDX-License-Identifier: Apache-2.0
#include "simulation/device.h"

#include <algorithm>

namespace tributary::simulation {

using std::chrono::duration_cast;

round::Duration Device::TrainTime(const v1::TrainingPlan& plan,
                                  std::uint64_t examples) const {
  const std::uint64_t shown =
      plan.has_steps() ? std::uint64_t{plan.steps()} * plan.batch_size()
                       : std::uint64_t{plan.epochs()} * examples;
  auto time = duration_cast<round::Duration>(train_example * shown);
  if (plan.has_time_limit()) {
    const auto limit = std::chrono::seconds(plan.time_limit().seconds()) +
                       std::chrono::nanoseconds(plan.time_limit().nanos());
    time = std::min(time, duration_cast<round::Duration>(limit));
  }
  return time;
}

round::Duration Device::EvaluateTime(std::uint64_t examples) const {
  return duration_cast<round::Duration>(evaluate_example * examples);
}

}  // namespace tributary::simulation
