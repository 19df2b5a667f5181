// SPDX-License-Identifier: Apache-2.0
#include "client/torch/judgement.h"

#include <algorithm>

#include "client/torch/losses.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

// The largest output is the target's, or the logit is on its side.
std::uint64_t CountCorrect(std::span<const float> outputs,
                           std::span<const float> targets, Loss loss) {
  if (loss == Loss::kMse || loss == Loss::kReconstruction) return 0;
  const std::size_t width = outputs.size() / targets.size();
  std::uint64_t correct = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const auto o = outputs.subspan(row * width, width);
    if (loss == Loss::kBce) {
      correct += (o[0] > 0) == (targets[row] > 0.5f);
    } else {
      correct += std::max_element(o.begin(), o.end()) - o.begin() ==
                 static_cast<std::ptrdiff_t>(targets[row]);
    }
  }
  return correct;
}

std::vector<float> Scores(std::span<const float> outputs,
                          std::span<const float> targets, std::size_t examples,
                          Loss loss) {
  if (loss == Loss::kBce) return {outputs.begin(), outputs.end()};
  if (loss != Loss::kReconstruction) return {};
  std::vector<float> scores;
  const std::size_t width = outputs.size() / examples;
  for (std::size_t at = 0; at < outputs.size(); at += width) {
    scores.push_back(static_cast<float>(SquaredError(
        outputs.subspan(at, width), targets.subspan(at, width), {})));
  }
  return scores;
}

}  // namespace

double MeanLoss(std::span<const float> outputs, std::span<const float> targets,
                Loss loss, std::span<float> gradient) {
  switch (loss) {
    case Loss::kCrossEntropy:
      return CrossEntropy(outputs, targets, gradient);
    case Loss::kMse:
    case Loss::kReconstruction:
      return SquaredError(outputs, targets, gradient);
    case Loss::kBce:
      return BinaryCrossEntropy(outputs, targets, gradient);
  }
  return 0;
}

Judgement JudgementOf(std::span<const float> outputs,
                      std::span<const float> targets, std::size_t examples,
                      Loss loss, double mean_loss) {
  return {mean_loss * static_cast<double>(examples),
          CountCorrect(outputs, targets, loss),
          Scores(outputs, targets, examples, loss)};
}

}  // namespace tributary::torch_internal
