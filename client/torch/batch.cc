// SPDX-License-Identifier: Apache-2.0
#include "client/torch/batch.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tributary::torch_internal {
namespace {

using Loss = TrainingOptions::Loss;

absl::Status CheckTarget(std::uint32_t row, float target, float highest,
                         Loss loss) {
  if (loss == Loss::kCrossEntropy &&
      (!(target >= 0 && target < highest) ||
       target != static_cast<float>(static_cast<std::int64_t>(target)))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "row ", row, " (from 0): target ", target, " is not a class in 0..",
        static_cast<std::int64_t>(highest) - 1));
  }
  if (loss == Loss::kBce && !(target >= 0 && target <= highest)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "row ", row, " (from 0): target ", target, " is not in 0..1"));
  }
  return absl::OkStatus();
}

absl::Status GatherFeatures(const Dataset& data,
                            std::span<const std::uint32_t> rows,
                            const Shape& input_shape,
                            std::span<const std::int64_t> outputs,
                            std::vector<float>& targets) {
  const auto length = ExampleLength(data, input_shape);
  if (!length.ok()) return length.status();
  targets.resize(rows.size() * *length);
  if (Count({outputs.begin(), outputs.end()}) !=
      static_cast<std::int64_t>(targets.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "reconstruction wants an output for each of the ", *length,
        " features of an example, the model gives ", ShapeText(outputs)));
  }
  GatherRows(data, rows, *length, targets.data());
  return absl::OkStatus();
}

}  // namespace

std::string ShapeText(std::span<const std::int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

absl::StatusOr<std::size_t> ExampleLength(const Dataset& data,
                                          const Shape& input_shape) {
  const std::int64_t length = Count(data.example_shape);
  if (length <= 0 ||
      data.features.size() != data.Size() * static_cast<std::size_t>(length)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the data set holds ", data.features.size(), " features for ",
        data.Size(), " examples of shape ", ShapeText(data.example_shape)));
  }
  const std::int64_t wanted = Count(input_shape);
  if (!input_shape.empty() && wanted != length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an example has shape ", ShapeText(data.example_shape), ", ", length,
        " values; the model wants ", ShapeText(input_shape), ", ", wanted));
  }
  return static_cast<std::size_t>(length);
}

void GatherRows(const Dataset& data, std::span<const std::uint32_t> rows,
                std::size_t length, float* out) {
  for (const std::uint32_t row : rows) {
    std::memcpy(out, data.features.data() + row * length,
                length * sizeof(float));
    out += length;
  }
}

absl::Status GatherTargets(const Dataset& data,
                           std::span<const std::uint32_t> rows,
                           const Shape& input_shape,
                           std::span<const std::int64_t> outputs, Loss loss,
                           std::vector<float>& targets) {
  if (loss == Loss::kReconstruction) {
    return GatherFeatures(data, rows, input_shape, outputs, targets);
  }
  float highest = 1;  // over all targets of this loss
  if (loss == Loss::kCrossEntropy) {
    if (outputs.size() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("cross_entropy wants outputs [examples, classes], the "
                       "model gives ",
                       ShapeText(outputs)));
    }
    highest = static_cast<float>(outputs[1]);
  } else if (Count({outputs.begin(), outputs.end()}) !=
             static_cast<std::int64_t>(rows.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        loss == Loss::kMse ? "mse" : "bce",
        " wants one output an example, the model gives ", ShapeText(outputs)));
  }
  targets.resize(rows.size());
  float* out = targets.data();
  for (const std::uint32_t row : rows) {
    const float target = data.targets[row];
    if (auto fits = CheckTarget(row, target, highest, loss); !fits.ok()) {
      return fits;
    }
    *out++ = target;
  }
  return absl::OkStatus();
}

}  // namespace tributary::torch_internal
