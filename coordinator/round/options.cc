// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tributary::round {
namespace {

constexpr int kMaxCohort = 1'000'000;
constexpr int kMaxRounds = 1'000'000;
constexpr int kMaxAttempts = 10'000;
constexpr int kMaxPopulation = 10'000'000;
constexpr int kMaxStaleness = 10'000;
constexpr int kMaxStrikes = 1'000'000;
constexpr Duration kMaxDuration = std::chrono::hours(24 * 30);

class Problems {
 public:
  void RequireRange(const std::string& key, std::int64_t value,
                    std::int64_t low, std::int64_t high) {
    if (value < low || value > high) {
      Add(absl::StrCat(key, ": ", value, " is not in ", low, " .. ", high));
    }
  }
  void RequireRange(const std::string& key, Duration value, Duration low) {
    if (value < low || value > kMaxDuration) {
      Add(absl::StrCat(key, ": ", value.count(), " ms is not in ", low.count(),
                       " .. ", kMaxDuration.count(), " ms"));
    }
  }
  void Add(std::string problem) { problems_.push_back(std::move(problem)); }
  absl::Status Status() const {
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "; "));
  }

 private:
  std::vector<std::string> problems_;
};

void CheckSecure(const Options& options, Problems& problems) {
  const SecureOptions& secure = *options.secure;
  problems.RequireRange("secure_aggregation.step_deadline",
                        secure.step_deadline, Duration(1));
  problems.RequireRange("secure_aggregation.min_cohort", secure.min_cohort, 3,
                        kMaxCohort);
  if (secure.min_cohort <= options.min_updates) {
    problems.Add(absl::StrCat(
        "secure_aggregation.min_cohort: ", secure.min_cohort,
        " does not exceed round.min_updates ", options.min_updates));
  }
  if (options.cohort_size >= 1 && secure.min_cohort > options.Asked()) {
    problems.Add(absl::StrCat(
        "secure_aggregation.min_cohort: ", secure.min_cohort, " exceeds the ",
        options.Asked(), " clients that a round asks"));
  }
  if (!(secure.dropped >= 0 && secure.dropped < 1)) {
    problems.Add(absl::StrCat("secure_aggregation.dropped: ", secure.dropped,
                              " is not in 0 .. 1"));
  }
  if (!options.packed) {
    problems.Add("update.encoding: is not packed, as secure_aggregation needs");
  }
}

void CheckAsynchronous(const Options& options, Problems& problems) {
  const AsynchronousOptions& asynchronous = *options.asynchronous;
  problems.RequireRange("asynchronous.concurrency", asynchronous.concurrency, 1,
                        kMaxCohort);
  problems.RequireRange("asynchronous.max_staleness",
                        asynchronous.max_staleness, 0, kMaxStaleness);
  const double exponent = asynchronous.staleness_exponent;
  if (!(exponent >= 0 && exponent <= 10)) {
    problems.Add(absl::StrCat("asynchronous.staleness_exponent: ", exponent,
                              " is not in 0 .. 10"));
  }
  const auto& rate = asynchronous.mixing_rate;
  if (rate && !(*rate > 0 && *rate <= 1)) {
    problems.Add(absl::StrCat("asynchronous.mixing.rate: ", *rate,
                              " is not over 0 and at most 1"));
  }
  if (rate && options.cohort_size != 1) {
    problems.Add(absl::StrCat("round.cohort_size: ", options.cohort_size,
                              " is not 1, as asynchronous.mixing needs"));
  }
  if (options.over_selection != 1 ||
      options.min_updates != options.cohort_size) {
    problems.Add(
        "round.over_selection: asynchronous rounds close at cohort_size");
  }
  if (options.secure || options.packed || options.clip_norm ||
      options.max_debits || options.sampling != Sampling::kAny) {
    problems.Add(
        "asynchronous: cannot stand beside secure_aggregation or "
        "privacy");
  }
}

void CheckQuarantine(const Options& options, Problems& problems) {
  problems.RequireRange("quarantine.strikes", options.quarantine->strikes, 1,
                        kMaxStrikes);
  problems.RequireRange("quarantine.rounds", options.quarantine->rounds, 1,
                        kMaxRounds);
  if (options.sampling != Sampling::kAny) {
    problems.Add(
        "quarantine: leaves clients out of the draw, and privacy.sampling "
        "counts on each client of the population to be in it");
  }
  if (options.asynchronous) {
    problems.Add("quarantine: counts rounds, which asynchronous has not");
  }
}

void CheckTree(const Options& options, Problems& problems) {
  if (options.tree) {
    problems.RequireRange("hierarchy.fan_out", options.tree->aggregators, 1,
                          kMaxCohort);
    problems.RequireRange("hierarchy.fan_out, leaves of each",
                          options.tree->leaves_each, 1, kMaxCohort);
    if (options.secure) {
      problems.Add(
          "secure_aggregation: its sessions are those of leaves, and this node "
          "asks aggregators");
    }
  }
  if (options.parent) {
    const double share = options.parent->deadline_share;
    if (!(share > 0 && share < 1)) {
      problems.Add(absl::StrCat("hierarchy.deadline_share: ", share,
                                " is not between 0 and 1"));
    }
    if (options.evaluate_every != 0 || options.max_debits) {
      problems.Add(
          "hierarchy: evaluations and the privacy budget are the root's");
    }
  }
  if (options.asynchronous || options.sampling != Sampling::kAny) {
    problems.Add(
        "hierarchy: cannot stand beside asynchronous or privacy.sampling");
  }
}

void CheckPrivacy(const Options& options, Problems& problems) {
  if (options.sampling != Sampling::kAny) {
    problems.RequireRange("privacy.population", options.population, 1,
                          kMaxPopulation);
    if (options.population < options.cohort_size) {
      problems.Add(absl::StrCat("privacy.population: ", options.population,
                                " is less than round.cohort_size ",
                                options.cohort_size));
    }
    if (options.over_selection != 1) {
      problems.Add(
          absl::StrCat("round.over_selection: ", options.over_selection,
                       " is not 1, as privacy.sampling needs"));
    }
  }
  if (options.max_debits && *options.max_debits < 0) {
    problems.Add(absl::StrCat("privacy.epsilon: pays for ", *options.max_debits,
                              " rounds"));
  }
  if (options.clip_norm &&
      !(std::isfinite(*options.clip_norm) && *options.clip_norm > 0)) {
    problems.Add(absl::StrCat("privacy.clipping.norm: ", *options.clip_norm,
                              " is not a finite number above 0"));
  }
}

int AskedFor(int leaves, double over_selection) {
  // 10 x 1.1 is 11.000000000000002 in binary; nobody means 12 by it.
  constexpr double kRounding = 1e-9;
  return std::max(
      leaves, static_cast<int>(std::ceil(leaves * over_selection - kRounding)));
}

}  // namespace

absl::Status Options::Validate() const {
  Problems problems;
  problems.RequireRange("round.cohort_size", cohort_size, 1, kMaxCohort);
  if (!(over_selection >= 1 && over_selection <= 10)) {
    problems.Add(absl::StrCat("round.over_selection: ", over_selection,
                              " is not in 1 .. 10"));
  }
  problems.RequireRange("round.min_updates", min_updates, 1, kMaxCohort);
  if (min_updates > cohort_size && cohort_size >= 1) {
    problems.Add(absl::StrCat("round.min_updates: ", min_updates,
                              " exceeds round.cohort_size ", cohort_size));
  }
  problems.RequireRange("round.deadline", deadline, Duration(1));
  problems.RequireRange("round.selection_timeout", selection_timeout,
                        Duration(0));
  problems.RequireRange("round.retry_backoff", retry_backoff, Duration(0));
  problems.RequireRange("round.max_attempts", max_attempts, 1, kMaxAttempts);
  problems.RequireRange("stop.rounds", rounds, 1, kMaxRounds);
  problems.RequireRange("evaluation.every_rounds", evaluate_every, 0,
                        kMaxRounds);
  problems.RequireRange("evaluation.deadline", evaluation_deadline,
                        Duration(1));
  if (stop_target.has_value() != !stop_metric.empty()) {
    problems.Add(stop_target.has_value() ? "stop.target: has no stop.metric"
                                         : "stop.metric: has no stop.target");
  }
  if (stop_target.has_value() && !std::isfinite(*stop_target)) {
    problems.Add("stop.target: is not finite");
  }
  if (!stop_metric.empty() && evaluate_every == 0) {
    problems.Add(
        "stop.metric: is never measured, evaluation.every_rounds is 0");
  }
  problems.RequireRange("update.max_weight", max_weight, 1, 1 << 24);
  if (secure) CheckSecure(*this, problems);
  if (asynchronous) CheckAsynchronous(*this, problems);
  if (quarantine) CheckQuarantine(*this, problems);
  if (tree || parent) CheckTree(*this, problems);
  CheckPrivacy(*this, problems);
  return problems.Status();
}

int Options::Asked() const { return AskedFor(cohort_size, over_selection); }

int Options::AskedThroughEach() const {
  return AskedFor(tree->leaves_each, over_selection);
}

int Options::LeastCohort() const {
  return std::max(min_updates, secure ? secure->min_cohort : 0);
}

int Options::WaitingWanted() const {
  return sampling == Sampling::kAny ? Asked() : population;
}

int Options::WaitingQuorum() const {
  switch (sampling) {
    case Sampling::kAny:
      return LeastCohort();
    case Sampling::kPoisson:
      return least_waiting > 0 ? least_waiting : population;
    case Sampling::kFixedSize:
      return population;
  }
  return population;
}

}  // namespace tributary::round
