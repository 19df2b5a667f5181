// SPDX-License-Identifier: Apache-2.0
// The only road from a round's sum to the next model: mean, then the strategy
// and the server optimizer for parameters, a plain addition for buffers, and
// the strategy's own rule for what it sends along. Coordinator and simulator
// call this and nothing else.
//
// Spend-once: takes the sum by rvalue. Block may run on several threads at once
// for disjoint ranges; any cut into blocks gives the same bits.
#pragma once

#include <cstddef>
#include <span>

#include "aggregation/exact_sum.h"
#include "aggregation/server_optimizer.h"
#include "aggregation/strategy.h"

namespace tributary::aggregation {

class Release {
 public:
  // The sum has at least one contribution.
  Release(ExactSum&& sum, const ServerOptimizer& optimizer,
          const Strategy& strategy = NoStrategy{});

  // Moves what stands at `offset` from model v to v+1, in place. `state` holds
  // StateVectors(optimizer) spans over the same range, then
  // StateVectors(strategy) more; the part of the range that lies beyond the
  // parameters ignores them (they may be shorter by that part).
  void Block(std::size_t offset, std::span<float> weights,
             std::span<const std::span<float>> state) const;

 private:
  void MoveParameters(std::size_t offset, std::span<float> weights,
                      std::span<const std::span<float>> state) const;
  // Of buffers and the auxiliary part: calls move(weight, mean) for each.
  template <typename Move>
  void MoveEach(std::size_t offset, std::span<float> weights, Move move) const;

  ExactSum sum_;
  ServerOptimizer optimizer_;
  RoundStrategy strategy_;
};

}  // namespace tributary::aggregation
