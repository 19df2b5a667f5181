// SPDX-License-Identifier: Apache-2.0
// How long a virtual device takes, in virtual time. Thin on purpose: one kind
// of device; what differs between clients is how many examples they hold.
//
// A value; pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "coordinator/round/types.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Device {
  // One message of the Join stream, either way.
  round::Duration message{10};
  round::Duration download{200};
  round::Duration upload{200};
  // One example in one training step.
  std::chrono::microseconds train_example{1000};
  std::chrono::microseconds evaluate_example{100};
  // First check-ins are spread over this time.
  round::Duration start_spread{1000};

  // Training on so many examples of its own; a plan's time limit holds in
  // virtual time.
  round::Duration TrainTime(const v1::TrainingPlan& plan,
                            std::uint64_t examples) const;
  round::Duration EvaluateTime(std::uint64_t examples) const;
};

}  // namespace tributary::simulation
