// SPDX-License-Identifier: Apache-2.0
// What an update counts that starts from an old model:
//
//   s(t) = (1 + t)^-a ;  weight = max(1, round(s(t) W))
//
// t: models released since, a: the exponent, W: what a fresh update weighs.
// Weights are integers, so that sums are exact: s(t) is in error by at most
// 1 / (2 W), or 1 / W where it is less than that.
// Source: Xie et al. 2019, section 5.2, the polynomial one; Nguyen et al. 2022,
// section 5, with a = 0.5. docs/asynchronous.md.
//
// Pure; any thread.
#pragma once

#include <cstdint>

namespace tributary::round {

// `staleness` is 0 or more, `exponent` finite and 0 or more, `whole` 1 or more.
std::uint32_t StalenessWeight(int staleness, double exponent,
                              std::uint32_t whole);

}  // namespace tributary::round
