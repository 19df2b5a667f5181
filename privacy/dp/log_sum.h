// SPDX-License-Identifier: Apache-2.0
// Sums of positive numbers known by their logarithms: moments of privacy losses
// reach e^10000.
#pragma once

#include <cmath>
#include <limits>

namespace tributary::dp {

class LogSum {
 public:
  void Add(double log_term) {
    if (log_term == -std::numeric_limits<double>::infinity()) return;
    if (log_term <= largest_) {
      scaled_ += std::exp(log_term - largest_);
    } else {
      scaled_ = scaled_ * std::exp(largest_ - log_term) + 1;
      largest_ = log_term;
    }
  }
  // -infinity if nothing was added.
  double Log() const { return largest_ + std::log(scaled_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double scaled_ = 0;  // the sum over e^largest_
};

// ln(e^x - 1), x > 0.
inline double LogExpm1(double x) {
  return x > 30 ? x + std::log1p(-std::exp(-x)) : std::log(std::expm1(x));
}

// ln(1 + e^x).
inline double Log1pExp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

}  // namespace tributary::dp
