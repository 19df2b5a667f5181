// SPDX-License-Identifier: Apache-2.0
#include "simulation/labels.h"

#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace tributary::simulation {
namespace {

constexpr int kMostClasses = 65536;

}  // namespace

absl::StatusOr<Labels> FindLabels(std::span<const float> targets) {
  Labels labels;
  labels.of.reserve(targets.size());
  std::vector<std::uint16_t> column(kMostClasses, 0);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float target = targets[i];
    if (!(target >= 0 && target < kMostClasses) ||
        target != std::floor(target)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "target ", target, " of example ", i, " is not a class"));
    }
    labels.of.push_back(static_cast<std::uint16_t>(target));
    column[labels.of.back()] = 1;
  }
  for (int value = 0; value < kMostClasses; ++value) {
    if (column[value] == 0) continue;
    column[value] = static_cast<std::uint16_t>(labels.classes.size());
    labels.classes.push_back(value);
  }
  for (std::uint16_t& label : labels.of) label = column[label];
  return labels;
}

}  // namespace tributary::simulation
