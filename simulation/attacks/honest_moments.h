// SPDX-License-Identifier: Apache-2.0
// What adversaries that see every honest update of a round work from: the mean
// and the spread of each coordinate.
//
// Two doubles a coordinate, whatever the cohort. Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tributary::attacks {

class HonestMoments {
 public:
  // Of the spread: divided by the honest updates, or by one fewer.
  enum class Spread { kPopulation, kSample };

  explicit HonestMoments(std::size_t length);

  // An honest update, as long as `length`.
  void Add(std::span<const float> update);

  std::size_t count() const { return count_; }
  std::size_t length() const { return mean_.size(); }
  // Of at least one update.
  std::span<const double> mean() const { return mean_; }
  // The standard deviation of each coordinate; kSample takes two updates.
  std::vector<double> Deviations(Spread spread) const;

 private:
  std::size_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> squares_;  // of differences from the mean, added up
};

}  // namespace tributary::attacks
