// SPDX-License-Identifier: Apache-2.0
#include "simulation/device.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tributary::simulation {
namespace {

// Longer than any run; what is slower never ends anyway.
constexpr double kLongestMilliseconds = 1e15;

// The time that `amount` takes, in whole milliseconds, rounded up.
round::Duration Take(double amount, double per_second) {
  const double milliseconds = std::ceil(amount / per_second * 1e3);
  return round::Duration(static_cast<round::Duration::rep>(
      std::min(milliseconds, kLongestMilliseconds)));
}

}  // namespace

std::uint64_t ExamplesShown(const v1::TrainingPlan& plan,
                            std::uint64_t examples) {
  return plan.has_steps() ? std::uint64_t{plan.steps()} * plan.batch_size()
                          : std::uint64_t{plan.epochs()} * examples;
}

round::Duration Device::TrainTime(const v1::TrainingPlan& plan,
                                  std::uint64_t examples) const {
  auto time = Take(static_cast<double>(ExamplesShown(plan, examples)),
                   examples_per_second);
  if (plan.has_time_limit()) {
    const auto limit = std::chrono::seconds(plan.time_limit().seconds()) +
                       std::chrono::nanoseconds(plan.time_limit().nanos());
    time = std::min(time, std::chrono::duration_cast<round::Duration>(limit));
  }
  return time;
}

round::Duration Device::EvaluateTime(std::uint64_t examples) const {
  return Take(static_cast<double>(examples), 3 * examples_per_second);
}

round::Duration Device::DownloadTime(std::uint64_t bytes) const {
  return 2 * latency + Take(static_cast<double>(bytes), download);
}

round::Duration Device::UploadTime(std::uint64_t bytes) const {
  return latency + Take(static_cast<double>(bytes), upload);
}

}  // namespace tributary::simulation
