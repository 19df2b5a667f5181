// SPDX-License-Identifier: Apache-2.0
#include "client/torch/losses.h"

#include <algorithm>
#include <cmath>

namespace tributary::torch_internal {

double CrossEntropy(std::span<const float> outputs,
                    std::span<const float> targets, std::span<float> gradient) {
  const std::size_t classes = outputs.size() / targets.size();
  const float share = 1 / static_cast<float>(targets.size());
  double loss = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const std::span<const float> o = outputs.subspan(row * classes, classes);
    const auto target = static_cast<std::size_t>(targets[row]);
    const float largest = *std::max_element(o.begin(), o.end());
    float sum = 0;
    if (gradient.empty()) {
      for (const float value : o) sum += std::exp(value - largest);
    } else {
      const std::span<float> g = gradient.subspan(row * classes, classes);
      for (std::size_t i = 0; i < classes; ++i) {
        g[i] = std::exp(o[i] - largest);
        sum += g[i];
      }
      const float scale = share / sum;
      for (float& value : g) value *= scale;
      g[target] -= share;
    }
    loss += std::log(sum) - (o[target] - largest);
  }
  return loss / static_cast<double>(targets.size());
}

double SquaredError(std::span<const float> outputs,
                    std::span<const float> targets, std::span<float> gradient) {
  const float share = 2 / static_cast<float>(targets.size());
  double loss = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float error = outputs[i] - targets[i];
    loss += double{error} * error;
    if (!gradient.empty()) gradient[i] = share * error;
  }
  return loss / static_cast<double>(targets.size());
}

double BinaryCrossEntropy(std::span<const float> outputs,
                          std::span<const float> targets,
                          std::span<float> gradient) {
  const float share = 1 / static_cast<float>(targets.size());
  double loss = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float o = outputs[i];
    // Without overflow: log(1 + e^o) = max(o, 0) + log(1 + e^-|o|).
    const float e = std::exp(-std::fabs(o));
    loss += std::max(o, 0.0f) - o * targets[i] + std::log1p(e);
    if (!gradient.empty()) {
      const float sigmoid = o >= 0 ? 1 / (1 + e) : e / (1 + e);
      gradient[i] = share * (sigmoid - targets[i]);
    }
  }
  return loss / static_cast<double>(targets.size());
}

}  // namespace tributary::torch_internal
