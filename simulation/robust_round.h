// SPDX-License-Identifier: Apache-2.0
// The attempt that is open where a plan has a robust rule: its updates, kept
// whole until the release, by client. So a simulation of such a rule holds
// cohort x model in memory; a coordinator reads them from its spool.
//
//   round.Open();
//   round.Add(client, bytes); ...
//   auto released = round.Finish(attempt, center);
//
// One thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/grid.h"
#include "aggregation/robust/recipe.h"
#include "coordinator/robust/robust_attempt.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "simulation/adversaries.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

class RobustRound {
 public:
  // Of a plan with a robust rule and float32 updates, with its defaults.
  RobustRound(const v1::Plan& plan, const aggregation::Layout& layout,
              const Key& run_key);

  // An attempt begins: what was added before is void.
  void Open() { rows_.clear(); }
  // A verified update.
  void Add(const round::ClientId& client, std::span<const std::byte> bytes);
  // Ends the attempt without a sum.
  void Abandon() { rows_.clear(); }

  struct Attempt {
    int round = 0;
    int attempt = 0;
  };
  // Whether the rule begins where it ended in the last released round.
  bool NeedsCenter() const;
  // Of a plan with an attack; null without one.
  Adversaries* adversaries() { return adversaries_ ? &*adversaries_ : nullptr; }
  // Ends the attempt with the rule's result over all updates added, those of
  // adversaries first put in their places.
  // InvalidArgument if they are too few for the rule.
  absl::StatusOr<coordinator::RobustResult> Finish(
      const Attempt& attempt, std::span<const float> center);

 private:
  const robust::Recipe recipe_;
  const double outlier_weight_;
  const aggregation::Layout layout_;
  const Key run_key_;
  // Of a plan with an attack.
  std::optional<Adversaries> adversaries_;
  UpdateRows rows_;
};

}  // namespace tributary::simulation
