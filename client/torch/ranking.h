// SPDX-License-Identifier: Apache-2.0
// How well scores tell two kinds of examples apart, whatever the threshold.
#pragma once

#include <optional>
#include <span>

namespace tributary::torch_internal {

// Area under the receiver operating characteristic: how probable it is that an
// example labelled 1 scores above one labelled 0, ties counting half; 0.5 is
// chance. Scores are finite, one a label. Nothing if a label is neither, or one
// of the two is missing. Source: Hanley and McNeil 1982 (the Mann-Whitney
// statistic). O(n log n).
std::optional<double> AreaUnderCurve(std::span<const float> scores,
                                     std::span<const float> labels);

}  // namespace tributary::torch_internal
