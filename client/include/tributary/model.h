// SPDX-License-Identifier: Apache-2.0
// A model as a client sees it.
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
  // SHA-256 of its safetensors file.
  Digest id;
  Manifest manifest;
  // JSON of tributary.v1.Architecture, e.g. {"mlp":{"inputs":"64",...}}.
  std::string architecture;
  // The TorchScript archive, for architectures that have one.
  std::filesystem::path archive;
  // manifest.Length() floats.
  std::vector<float> weights;
};

}  // namespace tributary
