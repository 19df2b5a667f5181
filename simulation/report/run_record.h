// SPDX-License-Identifier: Apache-2.0
// What a results folder says of its run: the one source of reports and
// comparisons. Reads what is there, so a run that still goes on or that was
// killed has a record as well. A value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "simulation/report/line_chart.h"

namespace tributary::simulation {

// What a run under differential privacy has spent, with all that its epsilon
// means nothing without.
struct PrivacyStatement {
  double epsilon = 0;
  double delta = 0;
  int releases = 0;  // that were charged
  std::string unit;
  std::string neighbours;
  std::string sampling;
  std::string accountant;
  std::string noise;  // "central"
  double noise_multiplier = 0;
};

// The file run.json of a results folder: how the run stands.
struct RunStatus {
  // "running", "finished", "stopped" (Ctrl-C) or "failed".
  std::string end = "running";
  std::string reason = "";
  // Weights of the model.
  std::uint64_t parameters = 0;
  // What in this run departs from what a coordinator and its clients would do.
  std::vector<std::string> exceptions = {};
  // Where clients trained: "cpu" or "cuda".
  std::string device = "cpu";
  // Nothing: no differential privacy.
  std::optional<PrivacyStatement> privacy = std::nullopt;
  // Of secure aggregation: "on", "skipped" or "none".
  std::string masks = "none";
};
std::string ToJson(const RunStatus& status);

// The numbers of a line of metrics.jsonl by name, those within an object behind
// its name: "metrics.accuracy". Empty if the line is no object.
std::map<std::string, double> NumbersOf(std::string_view line);

// A plan's value by its dotted key: "round.cohort_size", "20".
struct PlanValue {
  std::string key;
  std::string value;
  friend bool operator==(const PlanValue&, const PlanValue&) = default;
};

// Every value of a plan's YAML, in its order; a list is one value, "[64, 32]".
// InvalidArgument if the text is no YAML.
absl::StatusOr<std::vector<PlanValue>> FlattenPlan(std::string_view yaml);

struct RunRecord {
  std::filesystem::path folder;
  RunStatus status;
  std::string plan_text;
  std::vector<PlanValue> plan;
  // Who holds what, in a few lines, and as a picture: an SVG file. Empty if the
  // folder has none.
  std::string partition;
  std::string partition_picture;
  // What each class of devices spent, as a table. Empty if the folder has none.
  std::string devices;
  // Every number of metrics.jsonl and timing.jsonl by round, then by its name;
  // those of "metrics" as "metrics.accuracy".
  std::map<int, std::map<std::string, double>> rounds;

  // The folder's own, without those it lies in.
  std::string Name() const;
  // Names of all the numbers there are, sorted.
  std::vector<std::string> Columns() const;
  // The rounds that have both, as points. "round" is a column too.
  std::vector<Point> Over(const std::string& x, const std::string& y) const;
  // Sum of a column; nothing where no round has it.
  std::optional<double> Total(const std::string& column) const;
  // The value in the last round that has it.
  std::optional<double> Last(const std::string& column) const;
  // The plan's value, or "".
  std::string PlanValueOf(const std::string& key) const;
};

// Errors name the file, and the line and what was expected there. A last line
// that was not written to its end is left out.
absl::StatusOr<RunRecord> ReadRun(const std::filesystem::path& folder);

}  // namespace tributary::simulation
