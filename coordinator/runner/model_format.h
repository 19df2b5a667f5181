// SPDX-License-Identifier: Apache-2.0
// How the models of one run lie in their files, and how they move: read once,
// from the first model and the plan. Every later model has the first one's
// header bytes.
//
// A value; read from any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/grid.h"
#include "aggregation/manifest.h"
#include "aggregation/server_optimizer.h"
#include "aggregation/strategy.h"
#include "coordinator/store/blobs.h"
#include "proto/codec/safetensors.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

struct ModelFormat {
  // All bytes before the data section.
  std::string header;
  // With the strategy's auxiliary tensor, if it has one.
  Manifest manifest = {};
  aggregation::Layout layout;
  // Of updates that are floats.
  aggregation::Encoding encoding = aggregation::Encoding::kFloat32;
  aggregation::ServerOptimizer optimizer;
  aggregation::Strategy strategy;

  // Kept beside the weights: those of the optimizer, then the strategy's.
  int StateVectors() const {
    return aggregation::StateVectors(optimizer) +
           aggregation::StateVectors(strategy);
  }
  std::uint64_t FileSize() const {
    return header.size() + layout.length * sizeof(float);
  }
};

// The head of a model's file: all bytes before its data section, and what they
// say. InvalidArgument if there is no such head.
struct ModelHeader {
  std::string bytes;
  codec::SafetensorsHeader parsed;
};
absl::StatusOr<ModelHeader> ReadModelHeader(const store::File& file);

// InvalidArgument if the file is not a model the plan can train.
absl::StatusOr<ModelFormat> ReadModelFormat(const store::Blobs& blobs,
                                            const Digest& first_model,
                                            const v1::Plan& plan);

}  // namespace tributary::coordinator
