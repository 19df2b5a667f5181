// SPDX-License-Identifier: Apache-2.0
// Mimic: all adversaries send what one honest client sends, so that it counts
// for many. Nothing they send is an outlier; the others' data are what is lost.
//
// The client is the one furthest along the direction z in which the honest
// differ most, found over the rounds of a warm-up by Oja's rule. In round
// t = 0, 1, .. with honest updates x_i:
//
//   mu <- (t mu + mean of x) / (t + 1)
//   c   = sum_i (x_i - mu) <x_i - mu, z>
//   z  <- (t z + c / |c|) / (t + 1), brought to length 1;  z is random at first
//   copied: argmax_i <x_i, z>, of equal ones the first
//
// Karimireddy, He, Jaggi 2022, "Byzantine-Robust Learning on Heterogeneous
// Datasets via Bucketing". After the warm-up adversaries keep to
// the last client.
//
// Two doubles a coordinate. Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"

namespace tributary::attacks {

class MimicTarget {
 public:
  MimicTarget(std::size_t length, RandomSource& random);

  // A round of the warm-up: which of the honest updates, one at least and each
  // as long as `length`, is copied.
  std::size_t Choose(std::span<const std::span<const float>> honest);

 private:
  void Turn(std::span<const std::span<const float>> honest);

  std::size_t round_ = 0;
  std::vector<double> mean_;
  std::vector<double> direction_;
};

}  // namespace tributary::attacks
