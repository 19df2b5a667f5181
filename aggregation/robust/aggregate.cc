// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/aggregate.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "aggregation/robust/combination.h"
#include "aggregation/robust/distances.h"

namespace tributary::robust {
namespace {

struct Aggregator {
  Updates& updates;
  std::span<const float> reference;
  const Execution& execution;
  std::span<float> out;
  using Weights = absl::StatusOr<std::vector<double>>;

  Weights operator()(const Mean&) const {
    return Weighted(std::vector<double>(
        updates.count(), 1 / static_cast<double>(updates.count())));
  }
  Weights operator()(const CoordinateMedian& rule) const {
    return Unweighted(Aggregate(rule, updates, execution, out));
  }
  Weights operator()(const TrimmedMean& rule) const {
    return Unweighted(Aggregate(rule, updates, execution, out));
  }
  Weights operator()(const Krum& rule) const {
    absl::StatusOr<Distances> distances =
        Distances::Between(updates, execution);
    if (!distances.ok()) return distances.status();
    return Weighted(EqualWeights(SelectByKrum(rule, *distances)));
  }
  Weights operator()(const Bulyan& rule) const {
    absl::StatusOr<Distances> distances =
        Distances::Between(updates, execution);
    if (!distances.ok()) return distances.status();
    std::vector<std::size_t> rows = SelectForBulyan(rule, *distances);
    std::ranges::sort(rows);
    const absl::Status done = MeanAroundMedian(
        updates, rows, rows.size() - 2 * std::size_t{rule.adversaries},
        execution, out);
    if (!done.ok()) return done;
    return EqualWeights(rows);
  }
  Weights operator()(const GeometricMedian& rule) const {
    return Weighted(WeightsOf(rule, updates, execution));
  }
  Weights operator()(const CenteredClipping& rule) const {
    absl::StatusOr<Combination> v =
        CombinationOf(rule, updates, reference, execution);
    if (!v.ok()) return v.status();
    const absl::Status done = Combine(updates, *v, execution, out);
    if (!done.ok()) return done;
    return std::move(v->weights);
  }
  Weights operator()(const FlTrust& rule) const {
    return Weighted(WeightsOf(rule, updates, reference, execution));
  }

 private:
  Weights Weighted(Weights weights) const {
    if (!weights.ok()) return weights;
    Combination sum{.weights = *std::move(weights)};
    const absl::Status done = Combine(updates, sum, execution, out);
    if (!done.ok()) return done;
    return std::move(sum.weights);
  }
  static Weights Unweighted(const absl::Status& done) {
    if (!done.ok()) return done;
    return std::vector<double>();
  }
  std::vector<double> EqualWeights(const std::vector<std::size_t>& rows) const {
    std::vector<double> weights(updates.count(), 0.0);
    for (const std::size_t row : rows) {
      weights[row] = 1 / static_cast<double>(rows.size());
    }
    return weights;
  }
};

absl::Status CheckReference(const Rule& rule, const Inputs& inputs) {
  const bool is_needed = std::holds_alternative<CenteredClipping>(rule) ||
                         std::holds_alternative<FlTrust>(rule);
  const std::size_t length = is_needed ? inputs.updates.length() : 0;
  if (inputs.reference.size() == length) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      std::holds_alternative<FlTrust>(rule) ? "robust.fltrust: the root update"
      : is_needed ? "robust.centered_clipping: the center"
                  : "robust: a reference that this rule does not take",
      " has ", inputs.reference.size(), " coordinates, not ", length));
}

}  // namespace

absl::StatusOr<Outcome> Aggregate(const Recipe& recipe, const Inputs& inputs,
                                  const Execution& execution,
                                  std::span<float> out) {
  TRIBUTARY_INVARIANT(out.size(), ==, inputs.updates.length());
  const absl::Status valid = Validate(recipe, inputs.updates.count());
  if (!valid.ok()) return valid;
  const absl::Status checked = CheckReference(recipe.rule, inputs);
  if (!checked.ok()) return checked;
  Updates* updates = &inputs.updates;
  std::vector<std::unique_ptr<MixedUpdates>> mixed;
  for (const PreStep& step : recipe.pre_steps) {
    absl::StatusOr<std::vector<Mixture>> mixtures =
        MixturesOf(step, *updates, inputs.words, execution);
    if (!mixtures.ok()) return mixtures.status();
    mixed.push_back(
        std::make_unique<MixedUpdates>(*updates, *std::move(mixtures)));
    updates = mixed.back().get();
  }
  absl::StatusOr<std::vector<double>> weights = std::visit(
      Aggregator{*updates, inputs.reference, execution, out}, recipe.rule);
  if (!weights.ok()) return weights.status();
  // From what the rule saw back to what the clients sent.
  while (!mixed.empty()) {
    if (!weights->empty()) {
      weights = mixed.back()->SourceWeights(*weights);
    }
    mixed.pop_back();
  }
  return Outcome{*std::move(weights)};
}

}  // namespace tributary::robust
