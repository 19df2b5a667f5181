// SPDX-License-Identifier: Apache-2.0
// How many neighbours a client needs under secure aggregation, and how many of
// them it takes to recover a secret of its. Values; any thread.
//
//   ChooseGraph({.clients = 1000, .corrupt_per_mille = 50,
//                .dropped_per_mille = 100});   // degree 78, threshold 52
//
// The rule is that of Google's SecAgg+ (Bell et al. 2020, section 3.4, as
// federated-compute's graph_parameter_finder computes it), at security 2^-40
// and correctness 2^-20.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::secagg {

// Clients are numbered 0 .. n-1 in a session.
using Index = std::uint32_t;

inline constexpr std::uint32_t kMaxCohort = 1U << 20;
// Messages to a client grow with its neighbours and end at 1 MiB.
inline constexpr std::uint32_t kMaxDegree = 2047;
// Smaller cohorts have a complete graph: it costs them little and assumes less.
inline constexpr std::uint32_t kSmallestSparseCohort = 100;

// Whom the privacy of a client withstands, together with its corrupt peers.
enum class Adversary {
  // A coordinator that follows the protocol and looks at everything.
  kSemiHonest,
  // One that does what it likes once the keys are advertised: the threshold is
  // such that nobody gets both secrets of a client, 2t > k + corrupt
  // neighbours, and clients choose their neighbours themselves.
  kSemiMalicious,
};

struct CohortRisk {
  std::uint32_t clients = 0;
  // Clients that work for the coordinator, at most, in thousandths.
  std::uint32_t corrupt_per_mille = 50;
  // Clients that vanish, at most, in thousandths.
  std::uint32_t dropped_per_mille = 100;
  Adversary adversary = Adversary::kSemiMalicious;

  std::uint32_t Corrupt() const;
  std::uint32_t Dropped() const;
  // InvalidArgument that names the field.
  absl::Status Validate() const;
};

enum class GraphKind {
  kComplete,  // everybody is everybody's neighbour
  kHarary,    // the nearest on a ring shuffled by the session's root
  kChosen,    // each client draws its own, after the root is fixed
};

struct GraphParameters {
  GraphKind kind = GraphKind::kComplete;
  // Clients that hold shares of one client's secrets (k).
  std::uint32_t degree = 0;
  // Shares that recover a secret (t); one fewer say nothing of it.
  std::uint32_t threshold = 0;

  friend bool operator==(const GraphParameters&,
                         const GraphParameters&) = default;
};

// The smallest even degree of a sparse graph, and its threshold. NotFound if
// there is none below the cohort's size.
absl::StatusOr<GraphParameters> SparseGraph(const CohortRisk& risk);

// The sparse graph where it saves something, the complete one otherwise.
// FailedPrecondition if the complete one does not do either: too many corrupt
// or dropped, or too large a degree. Takes time linear in the cohort.
absl::StatusOr<GraphParameters> ChooseGraph(const CohortRisk& risk);

}  // namespace tributary::secagg
