// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/comparison.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tributary::simulation {
namespace {

constexpr const char* kMetricPrefix = "metrics.";
constexpr const char* kNothing = "-";

std::set<std::string> MetricsOf(std::span<const RunRecord> runs) {
  std::set<std::string> metrics;
  for (const RunRecord& run : runs) {
    for (const std::string& column : run.Columns()) {
      if (column.starts_with(kMetricPrefix)) {
        metrics.insert(column.substr(std::string(kMetricPrefix).size()));
      }
    }
  }
  return metrics;
}

absl::StatusOr<std::string> ChooseMetric(std::span<const RunRecord> runs,
                                         const std::string& wanted) {
  const auto metrics = MetricsOf(runs);
  if (!wanted.empty()) {
    if (metrics.contains(wanted)) return wanted;
    return absl::InvalidArgumentError(absl::StrCat(
        "--metric: no run has \"", wanted, "\"; there ",
        metrics.empty() ? "is none, as nothing was evaluated"
                        : absl::StrCat("is: ", absl::StrJoin(metrics, ", "))));
  }
  for (const std::string& likely :
       {runs.front().PlanValueOf("stop.metric"), std::string("accuracy"),
        std::string("loss")}) {
    if (metrics.contains(likely)) return likely;
  }
  return metrics.empty() ? "" : *metrics.begin();
}

// The target that all plans share, if they do.
std::optional<double> CommonTarget(std::span<const RunRecord> runs,
                                   const std::string& metric) {
  std::optional<double> common;
  for (const RunRecord& run : runs) {
    double target = 0;
    if (run.PlanValueOf("stop.metric") != metric ||
        !absl::SimpleAtod(run.PlanValueOf("stop.target"), &target) ||
        (common && *common != target)) {
      return std::nullopt;
    }
    common = target;
  }
  return common;
}

// The best value that every run reached.
std::optional<double> ReachedByAll(const std::vector<ComparedRun>& runs,
                                   Better better) {
  std::optional<double> reached;
  for (const ComparedRun& run : runs) {
    if (!run.best) return std::nullopt;
    if (!reached) reached = run.best->y;
    reached = better == Better::kHigher ? std::min(*reached, run.best->y)
                                        : std::max(*reached, run.best->y);
  }
  return reached;
}

std::vector<PlanDifference> FindDifferences(std::span<const RunRecord> runs) {
  std::vector<PlanDifference> differences;
  std::set<std::string> seen;
  for (const RunRecord& run : runs) {
    for (const PlanValue& value : run.plan) {
      if (!seen.insert(value.key).second) continue;
      PlanDifference difference{value.key, {}};
      for (const RunRecord& each : runs) {
        const std::string text = each.PlanValueOf(value.key);
        difference.values.push_back(text.empty() ? kNothing : text);
      }
      const auto& values = difference.values;
      if (std::ranges::count(values, values.front()) !=
          static_cast<std::ptrdiff_t>(values.size())) {
        differences.push_back(std::move(difference));
      }
    }
  }
  return differences;
}

std::vector<std::string> NamesOf(std::span<const RunRecord> runs) {
  std::vector<std::string> names;
  std::set<std::string> unique;
  for (const RunRecord& run : runs) {
    names.push_back(run.Name());
    unique.insert(names.back());
  }
  if (unique.size() == names.size()) return names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = runs[i].folder.string();
  }
  return names;
}

std::string Show(Quantity quantity, const std::optional<double>& value) {
  return value ? FormatQuantity(quantity, *value) : kNothing;
}

// Bytes of all rounds, both ways; nothing where none are recorded.
std::optional<double> BytesOf(const RunRecord& run) {
  const auto down = run.Total("effort.spent.bytes_down");
  const auto up = run.Total("effort.spent.bytes_up");
  if (!down && !up) return std::nullopt;
  return down.value_or(0) + up.value_or(0);
}

}  // namespace

absl::StatusOr<Comparison> CompareRuns(std::span<const RunRecord> runs,
                                       const ComparisonOptions& options) {
  if (runs.empty()) return absl::InvalidArgumentError("no run to compare");
  auto metric = ChooseMetric(runs, options.metric);
  if (!metric.ok()) return metric.status();
  Comparison comparison{.metric = *metric,
                        .better = BetterOf(*metric),
                        .target = options.target,
                        .runs = {},
                        .differences = FindDifferences(runs)};
  const auto names = NamesOf(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ComparedRun compared{.name = names[i], .run = &runs[i]};
    compared.curve = runs[i].Over("round", kMetricPrefix + *metric);
    compared.best = BestOf(compared.curve, comparison.better);
    comparison.runs.push_back(std::move(compared));
  }
  if (!comparison.target) comparison.target = CommonTarget(runs, *metric);
  if (!comparison.target) {
    comparison.target = ReachedByAll(comparison.runs, comparison.better);
  }
  for (ComparedRun& compared : comparison.runs) {
    if (!comparison.target) break;
    compared.rounds_to_target =
        ReachedAt(compared.curve, *comparison.target, comparison.better);
    compared.seconds_to_target = ReachedAt(
        compared.run->Over("virtual_seconds", kMetricPrefix + *metric),
        *comparison.target, comparison.better);
  }
  return comparison;
}

std::string DescribeTarget(const Comparison& comparison) {
  if (!comparison.target) return "none, as nothing was evaluated";
  return absl::StrCat(comparison.metric,
                      comparison.better == Better::kHigher ? " >= " : " <= ",
                      FormatQuantity(Quantity::kNumber, *comparison.target));
}

Table ResultsTable(const Comparison& comparison) {
  Table table = {{"run", "rounds", "to target", "time to target", "best",
                  "in round", "final", "loss", "training loss", "bytes",
                  "virtual time", "wall time"}};
  for (const ComparedRun& compared : comparison.runs) {
    const RunRecord& run = *compared.run;
    const auto& best = compared.best;
    std::string name = compared.name;
    if (run.status.end != "finished") {
      absl::StrAppend(&name, " (", run.status.end, ")");
    }
    const auto value = [](const auto& number) {
      return Show(Quantity::kNumber, number);
    };
    const auto rounds = compared.rounds_to_target;
    table.push_back(
        {std::move(name), FormatCount(static_cast<double>(run.rounds.size())),
         // Tenths of a round are what interpolation can say.
         rounds ? absl::StrCat(static_cast<double>(
                                   static_cast<long>(*rounds * 10 + 0.5)) /
                               10)
                : kNothing,
         Show(Quantity::kSeconds, compared.seconds_to_target),
         value(best ? std::optional(best->y) : std::nullopt),
         best ? FormatCount(best->x) : kNothing,
         value(run.Last(kMetricPrefix + comparison.metric)),
         value(run.Last("metrics.loss")), value(run.Last("train_loss")),
         Show(Quantity::kBytes, BytesOf(run)),
         Show(Quantity::kSeconds, run.Last("virtual_seconds")),
         Show(Quantity::kSeconds, run.Total("wall_seconds"))});
  }
  return table;
}

Table PrivacyTable(const Comparison& comparison) {
  Table table = {{"run", "epsilon", "delta", "unit", "neighbours", "sampling",
                  "accountant", "noise", "multiplier", "masks"}};
  for (const ComparedRun& compared : comparison.runs) {
    const RunStatus& status = compared.run->status;
    const auto& privacy = status.privacy;
    if (!privacy && status.masks == "none") continue;
    const PrivacyStatement none{.unit = kNothing,
                                .neighbours = kNothing,
                                .sampling = kNothing,
                                .accountant = kNothing,
                                .noise = kNothing};
    const PrivacyStatement& said = privacy ? *privacy : none;
    const auto number = [&](double value) {
      return privacy ? absl::StrFormat("%.4g", value) : kNothing;
    };
    table.push_back({compared.name, number(said.epsilon), number(said.delta),
                     said.unit, said.neighbours, said.sampling, said.accountant,
                     said.noise, number(said.noise_multiplier), status.masks});
  }
  return table.size() > 1 ? table : Table();
}

Table DifferencesTable(const Comparison& comparison) {
  if (comparison.differences.empty()) return {};
  Table table = {{"plan"}};
  for (const ComparedRun& compared : comparison.runs) {
    table.front().push_back(compared.name);
  }
  for (const PlanDifference& difference : comparison.differences) {
    std::vector<std::string> row = {difference.key};
    row.insert(row.end(), difference.values.begin(), difference.values.end());
    table.push_back(std::move(row));
  }
  return table;
}

}  // namespace tributary::simulation
