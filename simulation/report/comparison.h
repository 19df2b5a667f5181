// SPDX-License-Identifier: Apache-2.0
// Runs side by side: when each reached a target, how good it got, what it cost,
// and where their plans differ. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "simulation/report/run_record.h"
#include "simulation/report/table.h"
#include "simulation/report/target.h"

namespace tributary::simulation {

struct ComparisonOptions {
  // Of the evaluation, such as "accuracy". Empty: the plans' stop.metric, else
  // accuracy, else loss, else the first one there is.
  std::string metric;
  // Nothing: the plans' stop.target if all have the same for this metric, else
  // the best value that every run reached.
  std::optional<double> target;
};

struct ComparedRun {
  std::string name;
  const RunRecord* run = nullptr;
  std::vector<Point> curve = {};  // the metric over rounds
  std::optional<double> rounds_to_target = std::nullopt;
  std::optional<double> seconds_to_target = std::nullopt;  // virtual
  std::optional<Point> best = std::nullopt;
};

// A key of the plans with what each run has there, "-" for nothing.
struct PlanDifference {
  std::string key;
  std::vector<std::string> values;
};

struct Comparison {
  std::string metric;
  Better better = Better::kHigher;
  std::optional<double> target;
  std::vector<ComparedRun> runs;
  std::vector<PlanDifference> differences;
};

// The runs outlive what is returned. They are named by their folders, or by the
// whole path where two folders have one name. InvalidArgument if the metric is
// in none of them; the error names those that are.
absl::StatusOr<Comparison> CompareRuns(std::span<const RunRecord> runs,
                                       const ComparisonOptions& options);

// "accuracy >= 0.95".
std::string DescribeTarget(const Comparison& comparison);
// A row for each run. Rounds to the target are fractions of rounds, as they are
// interpolated; bytes are those of all rounds, both ways.
Table ResultsTable(const Comparison& comparison);
// A row for each run under differential privacy or secure aggregation: what its
// epsilon is and what it means. Empty if there is none.
Table PrivacyTable(const Comparison& comparison);
// Empty if the plans are the same.
Table DifferencesTable(const Comparison& comparison);

// One self-contained HTML file: the tables and every run's curves.
std::string MakeComparisonPage(const Comparison& comparison);

}  // namespace tributary::simulation
