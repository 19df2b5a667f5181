// SPDX-License-Identifier: Apache-2.0
// Which tasks of a simulation are lost with their client, and when: drawn for
// each task by a stream of its own.
//
// Immutable; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "simulation/effort.h"
#include "simulation/task_timeline.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct Loss {
  round::Instant when;
  Outcome outcome = Outcome::kUnavailable;
};

class Dropout {
 public:
  Dropout(const v1::Dropout& plan, const Key& run_key);

  // The loss of the task with this token, if it is lost: as its training
  // begins, or uniformly within its training or its upload.
  std::optional<Loss> Draw(std::string_view token,
                           const TaskTimeline& timeline) const;

  // Whether the client of this task is lost after its masked update was taken,
  // and when in the time that it is needed to take the masks off: 0 .. 1.
  std::optional<double> DrawUnmasking(std::string_view token) const;

 private:
  const v1::Dropout plan_;
  const Key key_;
};

}  // namespace tributary::simulation
