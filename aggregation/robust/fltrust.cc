// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/fltrust.h"

#include <algorithm>
#include <cmath>

#include "aggregation/invariant.h"
#include "aggregation/robust/pass.h"
#include "aggregation/robust/requirement.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {
namespace {

constexpr std::array<double, kStrip> kZeros = {};

double SquaredNorm(std::span<const float> strip) {
  return SquaredDistance(strip, std::span(kZeros).first(strip.size()));
}

double SquaredNormByStrips(std::span<const float> vector) {
  double sum = 0;
  for (std::size_t first = 0; first < vector.size(); first += kStrip) {
    sum += SquaredNorm(
        vector.subspan(first, std::min(kStrip, vector.size() - first)));
  }
  return sum;
}

}  // namespace

absl::Status Validate(const FlTrust&, std::uint64_t updates) {
  return RequireUpdates("robust.fltrust", 0, 2, 1, "n > 0", updates);
}

absl::StatusOr<std::vector<double>> WeightsOf(const FlTrust&, Updates& updates,
                                              std::span<const float> root,
                                              const Execution& execution) {
  TRIBUTARY_INVARIANT(root.size(), ==, updates.length());
  const double root_norm = std::sqrt(SquaredNormByStrips(root));
  if (root_norm == 0) {
    return absl::InvalidArgumentError(
        "robust.fltrust: the root update is zero everywhere, so nothing "
        "points its way; its evaluator needs data to train on");
  }
  const std::size_t count = updates.count();
  std::vector<double> products(count);
  std::vector<double> squares(count);
  const absl::Status read = ReadAll(
      updates, AllRows(updates), execution,
      [&](std::size_t offset, const Block& block) {
        const std::vector<double> wide(
            root.begin() + static_cast<std::ptrdiff_t>(offset),
            root.begin() +
                static_cast<std::ptrdiff_t>(offset + block.columns()));
        AddRowSums(block, execution.for_each, products,
                   [&](std::size_t row, std::size_t first, std::size_t length) {
                     const std::span<const float> strip =
                         block.Row(row).subspan(first, length);
                     return Product(strip,
                                    std::span(wide).subspan(first, length));
                   });
        AddRowSums(block, execution.for_each, squares,
                   [&](std::size_t row, std::size_t first, std::size_t length) {
                     return SquaredNorm(block.Row(row).subspan(first, length));
                   });
      });
  if (!read.ok()) return read;
  std::vector<double> weights(count, 0.0);
  double trust = 0;
  for (std::size_t row = 0; row < count; ++row) {
    if (products[row] <= 0) continue;
    const double norm = std::sqrt(squares[row]);
    const double score = products[row] / (norm * root_norm);
    trust += score;
    weights[row] = score * root_norm / norm;
  }
  if (trust > 0) {
    for (double& weight : weights) weight /= trust;
  }
  return weights;
}

}  // namespace tributary::robust
