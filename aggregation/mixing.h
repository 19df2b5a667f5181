// SPDX-License-Identifier: Apache-2.0
// A model moved towards another. x: weights, y: the other's.
//
//   x <- (1 - a) x + a y                          Xie et al. 2019, FedAsync
//
// Pure and block-wise: any cut into blocks gives the same bits.
#pragma once

#include <span>

namespace tributary::aggregation {

// In place, in double precision; `share` is in 0 .. 1, both have one length.
void Mix(double share, std::span<float> weights, std::span<const float> other);

}  // namespace tributary::aggregation
