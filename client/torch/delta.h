// SPDX-License-Identifier: Apache-2.0
// What training changed: one pass over flat weights. All spans are equally
// long.
#pragma once

#include <span>

namespace tributary::torch_internal {

// delta <- trained - start
void Subtract(std::span<const float> trained, std::span<const float> start,
              std::span<float> delta);
// The same, and trained <- start: for the next task, while they are at hand.
// The largest magnitude in delta; not finite if one of its values is not.
float SubtractAndReset(std::span<float> trained, std::span<const float> start,
                       std::span<float> delta);

}  // namespace tributary::torch_internal
