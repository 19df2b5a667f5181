// SPDX-License-Identifier: Apache-2.0
// What a model is to everything but a trainer: named float32 tensors laid end
// to end in one flat vector, trainable tensors first, then buffers. A model's
// file may hold more, at its end: what its run's strategy sends along.
//
// Values; safe to copy and to read from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tributary {

// One tensor of the flat vector.
struct TensorSpec {
  std::string name;
  // Extent of each dimension, all >= 0; empty for a scalar.
  std::vector<std::int64_t> shape;
  // A parameter, moved by the server optimizer; otherwise a buffer, such as a
  // BatchNorm statistic, which is a plain weighted mean.
  bool trainable = true;
  // Neither: not of the model but of its run's strategy (docs/strategies.md).
  // Never trainable.
  bool auxiliary = false;

  // Product of the extents; 1 for a scalar. Valid manifests only.
  std::size_t Size() const;
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

// A part of a flat vector: floats [begin, end).
struct FlatRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const FlatRange&, const FlatRange&) = default;
};

class Manifest {
 public:
  Manifest() = default;
  explicit Manifest(std::vector<TensorSpec> tensors);

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  // Floats in the flat vector, and how many of them, from the front, are
  // trainable, or are of the model itself.
  std::size_t Length() const { return length_; }
  std::size_t TrainableLength() const { return trainable_length_; }
  std::size_t ModelLength() const { return length_ - auxiliary_length_; }
  // Without the auxiliary tensors.
  Manifest ModelPart() const;

  // Errors name the tensor: an empty or repeated name, a negative extent, a
  // trainable tensor after a buffer, a tensor of the model after an auxiliary
  // one, more than 65,536 tensors, more than 2^34 floats in all.
  absl::Status Validate() const;

  friend bool operator==(const Manifest&, const Manifest&) = default;

 private:
  std::vector<TensorSpec> tensors_;
  std::size_t length_ = 0;
  std::size_t trainable_length_ = 0;
  std::size_t auxiliary_length_ = 0;
};

}  // namespace tributary
