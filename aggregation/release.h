// SPDX-License-Identifier: Apache-2.0
// The only road from a round's sum to the next model: mean, then the server
// optimizer for parameters and a plain addition for buffers. Coordinator and
// simulator call this and nothing else.
//
// Spend-once: takes the sum by rvalue. Block may run on several threads at once
// for disjoint ranges; any cut into blocks gives the same bits.
#pragma once

#include <cstddef>
#include <span>

#include "aggregation/exact_sum.h"
#include "aggregation/server_optimizer.h"

namespace tributary::aggregation {

class Release {
 public:
  // The sum has at least one contribution.
  Release(ExactSum&& sum, const ServerOptimizer& optimizer);

  // Moves the weights that stand at `offset` from model v to v+1, in place.
  // `state` holds StateVectors(optimizer) spans over the same range; the part
  // of the range that lies in the buffers ignores them (they may be shorter by
  // that part).
  void Block(std::size_t offset, std::span<float> weights,
             std::span<const std::span<float>> state) const;

 private:
  ExactSum sum_;
  ServerOptimizer optimizer_;
};

}  // namespace tributary::aggregation
