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

// Rounds whose updates are masked (docs/secagg.md).
struct SecureOptions {
  // Each step before and after the masked updates is over then. A client that
  // has not answered has left the session.
  Duration step_deadline = std::chrono::seconds(60);
  // Fewest clients that a session begins with; more than min_updates.
  int min_cohort = 3;
  // Of the clients of a session, the part that may vanish.
  double dropped = 0.1;
  friend bool operator==(const SecureOptions&, const SecureOptions&) = default;
};

// Rounds that wait for nobody (docs/asynchronous.md): cohort_size updates are a
// model, whoever they come from, and max_weight is what a fresh one weighs.
struct AsynchronousOptions {
  // Clients that train at once.
  int concurrency = 10;
  // s(t) = (1 + t)^-exponent.
  double staleness_exponent = 0.5;
  // A staler update is refused.
  int max_staleness = 100;
  // Instead of a buffer: each update is mixed into the model with this rate, a,
  // times s(t). cohort_size is 1.
  std::optional<double> mixing_rate;
  friend bool operator==(const AsynchronousOptions&,
                         const AsynchronousOptions&) = default;
};

// Who is asked.
enum class Sampling {
  // Some of those that wait, as many as a round asks.
  kAny,
  // Everyone that waits, independently with probability cohort_size /
  // population. The round takes every update of those asked.
  kPoisson,
  // cohort_size of all the population, without replacement. The round takes
  // every update of those asked.
  kFixedSize,
};

// Clients that misbehave are not asked for a while.
struct QuarantineOptions {
  // Strikes of one client after which it is not asked. One may be an accident;
  // more let an adversary try more often.
  int strikes = 3;
  // Released rounds for which it is not asked then.
  int rounds = 10;
  friend bool operator==(const QuarantineOptions&,
                         const QuarantineOptions&) = default;
};

// The node is an aggregator: its rounds are tasks of its parent's
// (docs/hierarchy.md). It draws, collects and rests; attempts that come to
// nothing are the parent's to repeat.
struct ParentOptions {
  // How much of the time that is left at the parent the node collects for. In
  // the rest its sum goes up.
  double deadline_share = 0.8;
  friend bool operator==(const ParentOptions&, const ParentOptions&) = default;
};

// The node asks aggregators, and counts their leaves: cohort_size,
// over_selection and min_updates are of leaves.
struct TreeOptions {
  // Aggregators asked in a round.
  int aggregators = 1;
  // Leaves that each is to collect.
  int leaves_each = 1;
  // Whether clients that come to this node by themselves are asked too, for the
  // leaves that are missing. Not where updates are masked: the sessions are the
  // aggregators'.
  bool takes_trainers = true;
  friend bool operator==(const TreeOptions&, const TreeOptions&) = default;
};

// What a privacy budget is charged for.
enum class Charged {
  // Each ReleaseRound: before it nobody sees what an update says.
  kReleases,
  // Each attempt, as it opens: the coordinator sees updates as they come,
  // whatever becomes of the attempt.
  kAttempts,
};

struct Options {
  // Updates wanted in a round, in a tree of leaves; it closes when this many
  // were accepted. With kPoisson the clients asked in the mean.
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

  // Updates are integers, packed: each counts 1 and says no loss of its own.
  bool packed = false;
  std::optional<SecureOptions> secure;
  std::optional<AsynchronousOptions> asynchronous;
  // Only with kAny: a sample is not of a population that shrinks by what its
  // members do.
  std::optional<QuarantineOptions> quarantine;
  std::optional<ParentOptions> parent;
  std::optional<TreeOptions> tree;
  Sampling sampling = Sampling::kAny;
  // Clients among whom cohorts are drawn; not with kAny.
  int population = 0;
  // With kPoisson the fewest of them among whom a cohort is drawn, so that
  // hardly any is too small; 0: all.
  int least_waiting = 0;
  // Releases, or attempts, that the privacy budget pays for; none: no budget.
  std::optional<int> max_debits;
  Charged charged = Charged::kReleases;
  // Under differential privacy that of the first round.
  std::optional<double> clip_norm;

  // Errors read "round.min_updates: 120 exceeds round.cohort_size 100".
  absl::Status Validate() const;
  // ceil(cohort_size * over_selection): clients a round asks, with kPoisson in
  // the mean.
  int Asked() const;
  // Fewest clients a round can be opened with and still be released.
  int LeastCohort() const;
  // As how many clients one aggregator counts in a draw: its leaves, and those
  // that it asks beside them for drop-outs. Only with a tree.
  int AskedThroughEach() const;
  // A round opens when so many clients wait, of leaves in a tree, ...
  int WaitingWanted() const;
  // ... or so many have for selection_timeout.
  int WaitingQuorum() const;

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace tributary::round
