// SPDX-License-Identifier: Apache-2.0
#include "aggregation/manifest.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace tributary {
namespace {

constexpr std::size_t kMaxTensors = 65'536;
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 34;

// Product of the extents, or more than kMaxLength if it is larger than that or
// an extent is negative.
std::uint64_t BoundedSize(const std::vector<std::int64_t>& shape) {
  std::uint64_t size = 1;
  bool is_large = false;
  for (const std::int64_t extent : shape) {
    if (extent == 0) return 0;
    const auto factor = static_cast<std::uint64_t>(extent);
    if (factor > kMaxLength || size > kMaxLength / factor) {
      is_large = true;  // a later extent may still be zero
    } else {
      size *= factor;
    }
  }
  return is_large ? kMaxLength + 1 : size;
}

}  // namespace

std::size_t TensorSpec::Size() const { return BoundedSize(shape); }

Manifest::Manifest(std::vector<TensorSpec> tensors)
    : tensors_(std::move(tensors)) {
  for (const TensorSpec& tensor : tensors_) {
    const std::size_t size = tensor.Size();
    length_ += size;
    if (tensor.trainable) trainable_length_ += size;
    if (tensor.auxiliary) auxiliary_length_ += size;
  }
}

Manifest Manifest::ModelPart() const {
  std::vector<TensorSpec> model;
  for (const TensorSpec& tensor : tensors_) {
    if (!tensor.auxiliary) model.push_back(tensor);
  }
  return Manifest(std::move(model));
}

absl::Status Manifest::Validate() const {
  if (tensors_.size() > kMaxTensors) {
    return absl::InvalidArgumentError(
        absl::StrCat("manifest: ", tensors_.size(), " tensors; at most ",
                     kMaxTensors, " are allowed"));
  }
  absl::flat_hash_set<std::string> names;
  names.reserve(tensors_.size());
  std::string first_buffer;
  std::string first_auxiliary;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const TensorSpec& tensor = tensors_[i];
    if (tensor.name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("manifest: tensor ", i, " has no name"));
    }
    const auto refuse = [&](auto... reason) {
      return absl::InvalidArgumentError(
          absl::StrCat("manifest: tensor \"", tensor.name, "\" ", reason...));
    };
    if (!names.insert(tensor.name).second) return refuse("appears twice");
    for (const std::int64_t extent : tensor.shape) {
      if (extent < 0) return refuse("has the negative extent ", extent);
    }
    if (tensor.auxiliary && tensor.trainable) {
      return refuse("is auxiliary and trainable");
    }
    if (tensor.auxiliary && first_auxiliary.empty()) {
      first_auxiliary = tensor.name;
    }
    if (!tensor.auxiliary && !first_auxiliary.empty()) {
      return refuse("stands after the auxiliary \"", first_auxiliary,
                    "\"; auxiliary tensors come last");
    }
    if (!tensor.trainable && first_buffer.empty()) first_buffer = tensor.name;
    if (tensor.trainable && !first_buffer.empty()) {
      return refuse("is trainable but stands after the buffer \"", first_buffer,
                    "\"; trainable tensors come first");
    }
    length += BoundedSize(tensor.shape);
    if (length > kMaxLength) {
      return refuse("takes the model over ", kMaxLength, " floats");
    }
  }
  return absl::OkStatus();
}

}  // namespace tributary
