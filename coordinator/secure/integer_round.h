// SPDX-License-Identifier: Apache-2.0
// What the updates of one round are, where they are integers: what its tasks
// say of them, what is checked of each, and what becomes of their sum. The same
// for the coordinator and the simulator, with masks and without. A value; any
// thread.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "aggregation/integer_update.h"
#include "aggregation/manifest.h"
#include "privacy/dp/adaptive_clip.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

struct IntegerRound {
  v1::IntegerUpdate update;  // in every task of the round
  aggregation::IntegerFormat format;
  // The largest magnitude of a word of one update, noise included.
  std::int64_t largest_word = 0;

  // Differential privacy; none without.
  struct Privacy {
    double clip_norm = 0;
    // Of the coordinator's noise on each coordinate of the sum and on its clip
    // word, in grid points squared; 0: the clients have added all there is.
    double noise_variance = 0;
    double clip_word_variance = 0;
    // The sum is divided by this, however many came: round.cohort_size.
    std::uint64_t denominator = 0;
    std::optional<dp::AdaptiveClip> adaptive;
  };
  std::optional<Privacy> privacy;

  // Whether the integers of an update that is seen alone are within
  // update.norm_bound: those of a client that adds noise need not be.
  bool HasNormBound() const {
    return privacy && update.noise() == v1::IntegerUpdate::NOISE_UNSPECIFIED;
  }
};

// Of a plan with its defaults and its noise multiplier, whose encoding is
// PACKED. `clip_norm` is the round's; it does not matter without privacy.
// InvalidArgument, naming the key, if there can be no such round.
absl::StatusOr<IntegerRound> MakeIntegerRound(const v1::Plan& plan,
                                              const Manifest& manifest,
                                              double clip_norm);

}  // namespace tributary::coordinator
