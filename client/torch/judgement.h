// SPDX-License-Identifier: Apache-2.0
// How good the outputs of a batch are, on plain memory: outputs [examples,
// width], targets as batch.h gathers them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tributary/trainer.h"

namespace tributary::torch_internal {

// What judging a batch gives; sums, so that batches add up.
struct Judgement {
  double loss = 0;            // summed over the examples
  std::uint64_t correct = 0;  // classes guessed right; 0 where there are none
  // What an example is ranked by, where the loss has it: its logit (bce), or
  // the mean squared error of its features (reconstruction).
  std::vector<float> scores;
};

// The mean loss (losses.h); writes its gradient unless that span is empty.
double MeanLoss(std::span<const float> outputs, std::span<const float> targets,
                TrainingOptions::Loss loss, std::span<float> gradient);

// Of these outputs, with the mean loss that they have.
Judgement JudgementOf(std::span<const float> outputs,
                      std::span<const float> targets, std::size_t examples,
                      TrainingOptions::Loss loss, double mean_loss);

}  // namespace tributary::torch_internal
