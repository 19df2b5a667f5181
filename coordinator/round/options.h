// SPDX-License-Identifier: Apache-2.0
// What one run's rounds look like. Made from a Plan by coordinator/checkpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coordinator/round/types.h"

namespace tributary::round {

struct Options {
  // Updates wanted in a round; it closes when this many were accepted.
  int cohort_size = 0;
  // Clients asked = ceil(cohort_size * over_selection). Raise it where devices
  // drop out; 1.0 asks exactly the cohort.
  double over_selection = 1.3;
  // Fewest updates with which a round may close at its deadline.
  int min_updates = 0;
  Duration deadline = std::chrono::seconds(600);
  // How long a round that could already meet its quorum waits for the rest of
  // its cohort to check in.
  Duration selection_timeout = std::chrono::seconds(10);
  // First pause after an abandoned attempt; doubled each time, at most 64-fold.
  Duration retry_backoff = std::chrono::seconds(5);
  // The run fails after this many abandoned attempts of one round.
  int max_attempts = 10;

  // Released rounds after which the run is finished.
  int rounds = 0;
  // Evaluate every this many rounds, and the last one; 0: never.
  int evaluate_every = 0;
  Duration evaluation_deadline = std::chrono::seconds(60);
  // The run also finishes when this evaluation metric reaches `target`: from
  // above for "loss", from below for any other.
  std::string stop_metric;
  std::optional<double> stop_target;

  std::uint32_t max_weight = 1;

  // Errors read "round.min_updates: 120 exceeds round.cohort_size 100".
  absl::Status Validate() const;
  // ceil(cohort_size * over_selection).
  int Asked() const;

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace tributary::round
