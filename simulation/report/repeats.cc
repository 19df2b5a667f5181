// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/repeats.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tributary::simulation {
namespace {

constexpr const char* kSeed = "seed";

std::vector<PlanValue> WithoutSeed(std::vector<PlanValue> plan) {
  std::erase_if(plan,
                [](const PlanValue& value) { return value.key == kSeed; });
  return plan;
}

// "fedavg,seed=2" -> "fedavg", as sweeps name their folders.
std::string WithoutSeed(const std::string& name) {
  std::vector<std::string> parts = absl::StrSplit(name, ',');
  std::erase_if(parts, [](const std::string& part) {
    return absl::StartsWith(part, "seed=");
  });
  return parts.empty() ? name : absl::StrJoin(parts, ",");
}

// Signs show what is a difference.
enum class Sign { kIfNegative, kAlways };

std::string MeanAndSpread(std::span<const double> values, Sign sign) {
  if (values.empty()) return "-";
  const double count = static_cast<double>(values.size());
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / count;
  std::string text = sign == Sign::kAlways ? absl::StrFormat("%+.4f", mean)
                                           : absl::StrFormat("%.4f", mean);
  if (values.size() < 2) return text;
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  absl::StrAppendFormat(&text, " ± %.4f", std::sqrt(square / (count - 1)));
  return text;
}

std::string Final(const Repeats& setting, const std::string& column) {
  std::vector<double> values;
  for (const RunRecord* run : setting.runs) {
    if (const auto value = run->Last(column)) values.push_back(*value);
  }
  return MeanAndSpread(values, Sign::kIfNegative);
}

std::string Gain(const Repeats& setting, const Repeats& first,
                 const std::string& column) {
  std::vector<double> gains;
  for (const RunRecord* run : setting.runs) {
    const auto value = run->Last(column);
    for (const RunRecord* other : first.runs) {
      const auto base = other->Last(column);
      if (value && base &&
          other->PlanValueOf(kSeed) == run->PlanValueOf(kSeed)) {
        gains.push_back(*value - *base);
      }
    }
  }
  return &setting == &first ? "" : MeanAndSpread(gains, Sign::kAlways);
}

}  // namespace

std::vector<Repeats> GroupBySeed(const Comparison& comparison) {
  std::vector<Repeats> settings;
  std::vector<std::vector<PlanValue>> plans;
  for (const ComparedRun& compared : comparison.runs) {
    auto plan = WithoutSeed(compared.run->plan);
    const auto found = std::ranges::find(plans, plan);
    const auto place = static_cast<std::size_t>(found - plans.begin());
    if (found == plans.end()) {
      plans.push_back(std::move(plan));
      settings.push_back({WithoutSeed(compared.name), {}});
    }
    settings[place].runs.push_back(compared.run);
  }
  return settings;
}

Table RepeatsTable(const Comparison& comparison) {
  const auto settings = GroupBySeed(comparison);
  const bool has_repeats = std::ranges::any_of(
      settings, [](const Repeats& each) { return each.runs.size() > 1; });
  if (!has_repeats) return {};
  const std::string central = absl::StrCat("metrics.", comparison.metric);
  const std::string clients =
      absl::StrCat("metrics.client_", comparison.metric);
  const bool clients_judge =
      std::ranges::any_of(settings, [&](const Repeats& each) {
        return each.runs.front()->Last(clients + "_mean").has_value();
      });
  Table table = {
      {"setting", "seeds", absl::StrCat("final ", comparison.metric), "gain"}};
  if (clients_judge) {
    for (const char* heading :
         {"clients' mean", "gain", "worst decile", "deviation"}) {
      table.front().push_back(heading);
    }
  }
  const Repeats& first = settings.front();
  for (const Repeats& each : settings) {
    table.push_back({each.name, absl::StrCat(each.runs.size()),
                     Final(each, central), Gain(each, first, central)});
    if (!clients_judge) continue;
    auto& row = table.back();
    row.push_back(Final(each, clients + "_mean"));
    row.push_back(Gain(each, first, clients + "_mean"));
    row.push_back(Final(each, clients + "_worst_decile"));
    row.push_back(Final(each, clients + "_stddev"));
  }
  return table;
}

}  // namespace tributary::simulation
