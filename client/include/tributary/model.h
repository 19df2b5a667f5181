// SPDX-License-Identifier: Apache-2.0
// A model as a client sees it. The newest one is the app's to use:
//
//   // What the newest model, a linear one, says about a reading.
//   std::optional<float> Predict(const tributary::Client& client,
//                                std::span<const float> reading) {
//     const auto model = client.LatestModel();
//     if (model == nullptr) return std::nullopt;  // none was seen yet
//     const std::vector<float>& weights = model->weights;
//     float sum = weights[reading.size()];  // the bias
//     for (std::size_t i = 0; i < reading.size(); ++i) {
//       sum += weights[i] * reading[i];
//     }
//     return sum;
//   }
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "privacy/crypto/digest.h"

namespace tributary {

// One verified model. Immutable; may be read from any thread.
struct Model {
  // SHA-256 of its safetensors file. It names these very weights: a copy with
  // others has none (all zeros), or one of its own.
  Digest id;
  Manifest manifest;
  // JSON of tributary.v1.Architecture, e.g. {"mlp":{"inputs":"64",...}}.
  std::string architecture;
  // The TorchScript archive, for architectures that have one.
  std::filesystem::path archive;
  // manifest.Length() floats.
  std::vector<float> weights;
  // What the run's strategy sends along, for the client's own use; often empty.
  std::vector<float> auxiliary;
};

}  // namespace tributary
