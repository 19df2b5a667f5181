// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/pre_step.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "aggregation/robust/combination.h"
#include "aggregation/robust/distances.h"
#include "aggregation/robust/requirement.h"

namespace tributary::robust {
namespace {

struct Validator {
  std::uint64_t updates;

  absl::Status operator()(const NormBound& step) const {
    return RequirePositive("robust.pre_steps.norm_bound.norm", step.norm);
  }
  absl::Status operator()(const Bucketing& step) const {
    return RequireWithin("robust.pre_steps.bucketing.size", step.size, 1,
                         static_cast<std::int64_t>(updates),
                         "at most all updates in one bucket");
  }
  absl::Status operator()(const NearestNeighbourMixing& step) const {
    return RequireUpdates("robust.pre_steps.nearest_neighbour_mixing",
                          step.adversaries, 2, 1, "n > 2f", updates);
  }
};

// Uniform in 0 .. bound - 1: words of the last, incomplete run are thrown away.
std::uint64_t Below(std::uint64_t bound, const aggregation::Words& words) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    const std::uint64_t word = words();
    if (word < most - most % bound) return word % bound;
  }
}

struct Mixer {
  Updates& updates;
  const aggregation::Words& words;
  const Execution& execution;
  using Result = absl::StatusOr<std::vector<Mixture>>;

  Result operator()(const NormBound& step) const {
    const Combination nothing{.weights =
                                  std::vector<double>(updates.count(), 0.0)};
    absl::StatusOr<std::vector<double>> squared =
        SquaredDistancesTo(updates, nothing, execution);
    if (!squared.ok()) return squared.status();
    std::vector<Mixture> mixtures;
    for (std::uint32_t row = 0; row < squared->size(); ++row) {
      const double norm = std::sqrt((*squared)[row]);
      mixtures.push_back({norm > step.norm ? step.norm / norm : 1.0, {row}});
    }
    return mixtures;
  }

  Result operator()(const Bucketing& step) const {
    std::vector<std::uint32_t> order(updates.count());
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[Below(i, words)]);
    }
    std::vector<Mixture> mixtures;
    for (std::size_t first = 0; first < order.size(); first += step.size) {
      const std::size_t last =
          std::min<std::size_t>(order.size(), first + step.size);
      Mixture bucket{1 / static_cast<double>(last - first),
                     {order.begin() + static_cast<std::ptrdiff_t>(first),
                      order.begin() + static_cast<std::ptrdiff_t>(last)}};
      std::ranges::sort(bucket.rows);
      mixtures.push_back(std::move(bucket));
    }
    return mixtures;
  }

  Result operator()(const NearestNeighbourMixing& step) const {
    absl::StatusOr<Distances> distances =
        Distances::Between(updates, execution);
    if (!distances.ok()) return distances.status();
    const std::size_t mixed = updates.count() - step.adversaries;
    std::vector<Mixture> mixtures;
    for (std::uint32_t row = 0; row < updates.count(); ++row) {
      std::vector<std::uint32_t> rows = distances->Neighbours(row);
      rows.resize(mixed - 1);
      rows.push_back(row);
      std::ranges::sort(rows);
      mixtures.push_back({1 / static_cast<double>(mixed), std::move(rows)});
    }
    return mixtures;
  }
};

}  // namespace

absl::Status Validate(const PreStep& step, std::uint64_t updates) {
  return std::visit(Validator{updates}, step);
}

std::uint64_t UpdatesAfter(const PreStep& step, std::uint64_t updates) {
  const auto* bucketing = std::get_if<Bucketing>(&step);
  if (bucketing == nullptr) return updates;
  return (updates + bucketing->size - 1) / bucketing->size;
}

absl::StatusOr<std::vector<Mixture>> MixturesOf(const PreStep& step,
                                                Updates& updates,
                                                const aggregation::Words& words,
                                                const Execution& execution) {
  return std::visit(Mixer{updates, words, execution}, step);
}

}  // namespace tributary::robust
