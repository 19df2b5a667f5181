// SPDX-License-Identifier: Apache-2.0
// A plan file made ready for a coordinator: checked as far as can be without
// one, its weights and archive beside it instead of in it.
//
// On the wire the plan names no files: model.weights is empty, and
// architecture.torchscript is the archive's SHA-256, 64 lower-case hex digits.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::ctl {

struct Submission {
  v1::Plan plan;
  std::string weights;  // path of a safetensors file
  std::string archive;  // path of a TorchScript archive; empty without one
};

// All errors of the plan at once. The weights must be finite, of the plan's
// architecture and, for TorchScript, of its archive.
absl::StatusOr<Submission> Prepare(const std::string& plan_file,
                                   const std::string& weights_file);

}  // namespace tributary::ctl
