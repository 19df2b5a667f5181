// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/mixed_updates.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregation/invariant.h"
#include "aggregation/robust/strip.h"

namespace tributary::robust {

MixedUpdates::MixedUpdates(Updates& source, std::vector<Mixture> mixtures)
    : source_(source), mixtures_(std::move(mixtures)) {
  for (const Mixture& mixture : mixtures_) {
    TRIBUTARY_INVARIANT(mixture.rows.size(), >, std::size_t{0});
    TRIBUTARY_INVARIANT(mixture.rows.back(), <, source.count());
  }
}

absl::Status MixedUpdates::Read(std::span<const std::size_t> rows,
                                std::size_t offset, const ForEach& for_each,
                                Block& block) {
  // The rows of the source that are needed, and where each stands among them.
  std::vector<std::size_t> places(source_.count(), 0);
  for (const std::size_t row : rows) {
    for (const std::uint32_t member : mixtures_[row].rows) places[member] = 1;
  }
  std::vector<std::size_t> needed;
  for (std::size_t row = 0; row < places.size(); ++row) {
    if (places[row] == 0) continue;
    places[row] = needed.size();
    needed.push_back(row);
  }
  source_block_.Reshape(needed.size(), block.columns());
  const absl::Status read =
      source_.Read(needed, offset, for_each, source_block_);
  if (!read.ok()) return read;
  for_each(rows.size(), [&](std::size_t k) {
    const Mixture& mixture = mixtures_[rows[k]];
    const std::span<float> out = block.Row(k);
    for (std::size_t first = 0; first < out.size(); first += kStrip) {
      const std::size_t count = std::min(kStrip, out.size() - first);
      std::array<double, kStrip> sums = {};
      for (const std::uint32_t member : mixture.rows) {
        AddScaled(1,
                  std::as_const(source_block_)
                      .Row(places[member])
                      .subspan(first, count),
                  sums.data());
      }
      for (std::size_t i = 0; i < count; ++i) {
        out[first + i] = static_cast<float>(mixture.scale * sums[i]);
      }
    }
  });
  return absl::OkStatus();
}

std::vector<double> MixedUpdates::SourceWeights(
    std::span<const double> weights) const {
  TRIBUTARY_INVARIANT(weights.size(), ==, mixtures_.size());
  std::vector<double> of_source(source_.count(), 0.0);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    for (const std::uint32_t row : mixtures_[k].rows) {
      of_source[row] += weights[k] * mixtures_[k].scale;
    }
  }
  return of_source;
}

}  // namespace tributary::robust
