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
#include "aggregation/server_optimizer.h"
#include "coordinator/store/blobs.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

struct ModelFormat {
  // All bytes before the data section.
  std::string header;
  aggregation::Layout layout;
  aggregation::Encoding encoding = aggregation::Encoding::kFloat32;
  aggregation::ServerOptimizer optimizer;

  std::uint64_t FileSize() const {
    return header.size() + layout.length * sizeof(float);
  }
};

// InvalidArgument if the file is not a model the plan can train.
absl::StatusOr<ModelFormat> ReadModelFormat(const store::Blobs& blobs,
                                            const Digest& first_model,
                                            const v1::Plan& plan);

}  // namespace tributary::coordinator
