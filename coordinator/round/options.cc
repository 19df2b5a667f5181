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
  return problems.Status();
}

int Options::Asked() const {
  // 10 x 1.1 is 11.000000000000002 in binary; nobody means 12 by it.
  constexpr double kRounding = 1e-9;
  return std::max(
      cohort_size,
      static_cast<int>(std::ceil(cohort_size * over_selection - kRounding)));
}

}  // namespace tributary::round
