// SPDX-License-Identifier: Apache-2.0
// The model a run starts from, with the header bytes that every later model of
// the run has too.
//
// A value.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "tributary/model.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

struct FirstModel {
  // Length prefix and JSON of the safetensors file.
  std::string header;
  // SHA-256 of the TorchScript archive, 32 bytes; empty for a built-in
  // architecture.
  std::string archive;
  std::shared_ptr<const Model> model;
};

// The plan's model.weights, or weights made from its architecture and the run's
// key: the same bytes as those of `tributary-model init`. Errors name the file.
absl::StatusOr<FirstModel> LoadFirstModel(const v1::Plan& plan,
                                          const Key& run_key);

// SHA-256 of the file of header, weights and auxiliary values.
Digest ModelDigest(const std::string& header, const Model& model);

// Writes the file of header, weights and auxiliary values under a temporary
// name, then renames.
absl::Status WriteModel(const std::filesystem::path& file,
                        const std::string& header, const Model& model);

}  // namespace tributary::simulation
