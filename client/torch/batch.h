// SPDX-License-Identifier: Apache-2.0
// A batch: some rows of a data set, checked against what a network takes and
// gives, one behind the other. Needs no LibTorch header. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/torch/layers.h"
#include "tributary/dataset.h"
#include "tributary/trainer.h"

namespace tributary::torch_internal {

// "[2, 3]".
std::string ShapeText(std::span<const std::int64_t> shape);

// Features of one example. InvalidArgument if the data set does not hold whole
// examples, or the network wants others: `input_shape`, empty for any.
absl::StatusOr<std::size_t> ExampleLength(const Dataset& data,
                                          const Shape& input_shape);

// rows.size() * length floats.
void GatherRows(const Dataset& data, std::span<const std::uint32_t> rows,
                std::size_t length, float* out);

// The targets of these rows, for outputs of this shape, batch first; for
// reconstruction the examples' features. InvalidArgument naming the shape if
// the loss does not fit such outputs, the row if it does not fit a target.
absl::Status GatherTargets(const Dataset& data,
                           std::span<const std::uint32_t> rows,
                           const Shape& input_shape,
                           std::span<const std::int64_t> outputs,
                           TrainingOptions::Loss loss,
                           std::vector<float>& targets);

}  // namespace tributary::torch_internal
