// SPDX-License-Identifier: Apache-2.0
// Features that differ from client to client: noise of a strength of each
// client's own, images rotated by an angle of its own.
//
//   x <- x + s_k z ,  s_k = noise (k + 1) / n ,  z ~ N(0, 1)    Li et al. 2022,
//   arXiv 2102.02079, noise-based feature imbalance
//   x <- x turned about the image's centre by a_k degrees    as the rotated
//   MNIST of Ghosh et al. 2020, arXiv 2006.04088
//
// Rotation comes first, as a camera would: noise is the sensor's. A value;
// Apply may run on any thread and gives the same bits for the same key, client
// and rows, however often it is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "privacy/crypto/random.h"
#include "tributary/dataset.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

class FeatureShift {
 public:
  // Changes nothing.
  FeatureShift() = default;
  // For a population of `clients`. Angles and noise come from streams of
  // run_key, one for each client.
  FeatureShift(const v1::Partition::FeatureShift& plan, std::size_t clients,
               const Key& run_key);

  // InvalidArgument, naming the key, if examples of this shape are no images
  // and images are to be rotated. Images are height x width, or channels x
  // height x width.
  absl::Status Check(const std::vector<std::int64_t>& example_shape) const;

  bool HasNoise() const { return noise_ > 0; }
  bool HasRotation() const { return max_degrees_ > 0 || !degrees_.empty(); }
  bool IsIdentity() const { return !HasNoise() && !HasRotation(); }
  // Standard deviation of the client's noise; 0 without noise.
  double NoiseOf(std::size_t client) const;
  // Counter-clockwise; 0 without rotation.
  double DegreesOf(std::size_t client) const;

  // Shifts the rows of one client in place. Their shape has passed Check.
  void Apply(std::size_t client, Dataset& rows) const;

 private:
  double noise_ = 0;
  double max_degrees_ = 0;
  std::vector<double> degrees_;
  std::size_t clients_ = 1;
  Key run_key_{};
};

}  // namespace tributary::simulation
