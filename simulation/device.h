// SPDX-License-Identifier: Apache-2.0
// How long a virtual device takes, in virtual time.
//
// A value; pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "coordinator/round/types.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Device {
  // Which of the plan's classes.
  std::size_t kind = 0;
  // One message, either way.
  round::Duration latency{10};
  // Examples shown to the model in training, a second; evaluating, which has no
  // backward pass, is three times as fast.
  double examples_per_second = 1000;
  // Bytes a second.
  double download = 4e6;
  double upload = 4e6;
  // Power while it trains, and while it sends or receives.
  double training_watts = 5;
  double network_watts = 1;

  // Training on so many examples of its own; a plan's time limit holds in
  // virtual time.
  round::Duration TrainTime(const v1::TrainingPlan& plan,
                            std::uint64_t examples) const;
  round::Duration EvaluateTime(std::uint64_t examples) const;
  // From the request to the last byte.
  round::Duration DownloadTime(std::uint64_t bytes) const;
  // From the first byte's leaving to the last byte's arrival.
  round::Duration UploadTime(std::uint64_t bytes) const;
};

// Examples shown to the model in a training task, repetitions counted.
std::uint64_t ExamplesShown(const v1::TrainingPlan& plan,
                            std::uint64_t examples);

}  // namespace tributary::simulation
