// SPDX-License-Identifier: Apache-2.0
// What rounds on sampled cohorts cost a client against those who know who was
// in them, whom no sampling deceives: the coordinator, and in part the members
// of secure sessions. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "privacy/dp/mechanism.h"

namespace tributary::ctl {

// By RDP, of a client that is replaced by another.
struct KnownCohorts {
  double epsilon = 0;
  double delta = 0;
  std::int64_t rounds = 0;  // that the client is in
};

// The same releases without sampling, to a client in `rounds` of them: in those
// that cost most. None if no charge was of a sampled cohort.
absl::StatusOr<std::optional<KnownCohorts>> SpendOfKnownCohorts(
    std::span<const dp::Charge> charges, std::int64_t rounds, double delta);

nlohmann::ordered_json Json(const KnownCohorts& known);
// A line. `noises` are words of dp::Name: central noise comes too late to
// protect from the coordinator.
void Print(const KnownCohorts& known, const std::set<std::string>& noises,
           std::ostream& out);

}  // namespace tributary::ctl
