// SPDX-License-Identifier: Apache-2.0
// Which updates a robust rule all but left out, as far as its weights tell.
//
// An outlier is no adversary: a client whose data are rare may be one. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "aggregation/robust/recipe.h"

namespace tributary::coordinator {

// Whether the weights of the recipe's updates tell outliers from others. Not
// where each coordinate is looked at apart; not under Bulyan, and Krum unless
// it takes all updates but the adversaries', which leave out honest ones in
// each round; and not after bucketing, where an update counts as its bucket.
bool TellsOutliers(const robust::Recipe& recipe, std::size_t updates);

// The rows, rising, whose weight is below `part` of the mean weight; none if
// the recipe does not tell. `weights` are RobustSum::weights.
std::vector<std::size_t> OutliersOf(const robust::Recipe& recipe,
                                    std::span<const double> weights,
                                    double part);

}  // namespace tributary::coordinator
