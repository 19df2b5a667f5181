// SPDX-License-Identifier: Apache-2.0
// The first model of a run, from its plan. Needs no LibTorch header.
//
// Weights are drawn by PyTorch's default rules, but from our own stream, so
// that they do not depend on LibTorch's version:
//   linear, convolution   weight and bias ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in))
//                         (Kaiming uniform with a = sqrt(5), He et al. 2015)
//   BatchNorm             weight 1, bias 0, running mean 0, running variance 1
// A TorchScript archive brings its own.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "privacy/crypto/random.h"
#include "tributary/v1/plan.pb.h"

namespace tributary {

// What codec::WriteSafetensors takes to write it.
struct InitialModel {
  Manifest manifest;
  // "tributary.architecture", "tributary.archive"; the buffers' names follow
  // from the manifest when the file is written.
  std::map<std::string, std::string> metadata;
  std::vector<float> weights;
  // The TorchScript archive; empty for a built-in architecture.
  std::filesystem::path archive;
};

// From the weights file that `plan` names, else drawn from
// KeyedStream(run_key, "weights"). Relative paths count from the working
// directory. InvalidArgument if a file is not what it should be; NotFound if it
// is missing.
absl::StatusOr<InitialModel> MakeInitialModel(const v1::PlanModel& plan,
                                              const Key& run_key);

// Draws the weights of a built-in architecture's manifest in its order.
std::vector<float> DrawWeights(const Manifest& manifest, RandomSource& random);

}  // namespace tributary
