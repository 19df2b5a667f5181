// SPDX-License-Identifier: Apache-2.0
// What the rounds of a plan will cost, by the code with which a coordinator
// takes the plan and its ledger adds up: the epsilon that its run will show.
// Pure but for the files it reads; up to seconds where it calibrates.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/ctl/known_cohorts.h"
#include "coordinator/ctl/spending.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::ctl {

struct PlannedRunQuestion {
  std::string plan;                   // a file
  std::vector<std::string> settings;  // "round.cohort_size=200"
  // The model: a safetensors file (empty: the plan's model.weights), or, where
  // there is none yet, how many parameters it will have (0: not said).
  std::string weights;
  std::int64_t parameters = 0;
};

struct PlannedRun {
  v1::Plan plan;  // as it runs: defaults and calibrated noise written out
  bool is_calibrated = false;  // else the plan names its noise multiplier
  // Of all rounds that run: stop.rounds, or as many as privacy.epsilon pays
  // for.
  Spending answer;
  std::vector<Spending> earlier_rounds;  // after 1/10 and 1/2 of them
  // To a client in all of them; none without sampling.
  std::optional<KnownCohorts> known_cohorts;
  // By the statistic's name, as the ledger has them.
  std::map<std::string, double> noise_multipliers;

  // What each client adds itself, standard deviation in each coordinate.
  struct OwnNoise {
    double clip_norms = 0;
    double grid_points = 0;
    // Clients whose shares make up the noise that is charged; 1 if each adds
    // all of it.
    std::uint32_t shares = 1;
  };
  std::optional<OwnNoise> own_noise;  // none where the coordinator adds it
  // Bits that a coordinate takes on the wire.
  std::uint32_t word_bits = 0;
};

// Errors name the file and the key. FAILED_PRECONDITION if nothing says how
// large the model is, or if the plan has no section `privacy`.
absl::StatusOr<PlannedRun> PlanRun(const PlannedRunQuestion& question);

}  // namespace tributary::ctl
