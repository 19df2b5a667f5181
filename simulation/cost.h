// SPDX-License-Identifier: Apache-2.0
// What a simulation will cost, before it starts: counted from the plan where
// that can be done, measured by training a few of its clients where not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "simulation/participants.h"
#include "tributary/model.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Cost {
  // Counted. `asked` and `counted` are those of one round; rounds are fewer if
  // the plan's target is met before.
  std::uint64_t parameters = 0;
  std::uint64_t model_bytes = 0;
  std::size_t clients = 0;  // with examples
  std::size_t examples = 0;
  std::uint64_t rounds = 0;
  std::uint64_t asked = 0;
  std::uint64_t counted = 0;
  std::uint64_t update_bytes = 0;  // the largest an update can be
  // What workers hold of a round at most: sums, and updates made ahead.
  std::uint64_t round_bytes = 0;
  // Of the states that clients have in the end.
  std::uint64_t state_bytes = 0;
  std::uint64_t evaluations = 0;
  // Of models by clients, on examples of their own, over all rounds.
  std::uint64_t client_evaluations = 0;
  int workers = 1;
  // Measured here and now.
  int trained_clients = 0;
  double seconds_per_update = 0;
  double seconds_per_evaluation = 0;
  double seconds_per_client_evaluation = 0;
  std::uint64_t resident_bytes = 0;  // of this process

  // Of wall time, if workers share evenly. What is not counted is not trained.
  double Seconds() const;
  std::uint64_t PeakBytes() const {
    return resident_bytes + round_bytes + state_bytes;
  }
};

// Trains clients of different sizes for about three seconds, then evaluates
// once if the plan does, and has some clients judge if the plan does that.
// Errors are the trainer's, with the client's name.
absl::StatusOr<Cost> EstimateCost(const v1::Plan& plan,
                                  const Participants& participants,
                                  const Model& model);

// A few lines for a person, with what the estimate leaves out.
std::string FormatCost(const Cost& cost);

}  // namespace tributary::simulation
