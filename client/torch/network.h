// SPDX-License-Identifier: Apache-2.0
// One network, built-in or TorchScript, over one flat vector: every parameter
// and shared buffer of the module is a view of it, parameters first, then
// buffers, in the module's own order. Loading weights is one copy. Where the
// tensors lie on a device (placement.h), the flat vector is there, and the
// host has a copy.
//
// One thread at a time; different networks may run on different threads. The
// spans live as long as the network. LibTorch's exceptions stop here: each
// failure is a Status.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/manifest.h"
#include "client/torch/fused_layer.h"
#include "client/torch/judgement.h"
#include "client/torch/layers.h"
#include "client/torch/placement.h"
#include "privacy/crypto/random.h"
#include "tributary/dataset.h"
#include "tributary/trainer.h"
#include "tributary/v1/model.pb.h"

namespace tributary::torch_internal {

// Largest TorchScript archive that is read.
inline constexpr std::uint64_t kMaxArchiveBytes = std::uint64_t{4} << 30;

struct FlatTensors;

class Network {
 public:
  // `archive` is read for torchscript architectures only. The flat vector holds
  // the archive's own weights, or zeros for a built-in architecture.
  // InvalidArgument if the archive is not one, holds tensors that cannot be
  // shared, or is over kMaxArchiveBytes.
  static absl::StatusOr<std::unique_ptr<Network>> Build(
      const v1::Architecture& architecture,
      const std::filesystem::path& archive, const Placement& placement = {});
  // A list with at least one layer that holds weights; they are zero.
  static absl::StatusOr<std::unique_ptr<Network>> Build(
      const LayerList& list, const Placement& placement = {});
  ~Network();

  const Manifest& manifest() const;
  // All manifest().Length() floats: the flat vector, or the host's copy of it,
  // which is the device's after Upload and until the next step.
  std::span<float> weights();
  // Between the host's copy and the device's. Without a device they do nothing.
  absl::Status Upload();
  absl::Status Download();
  // Gradient of the mean loss of the last batch that was differentiated:
  // TrainableLength() floats. Not on a device.
  std::span<const float> gradient() const;
  // Where training happens, for those that see LibTorch (flat_tensors.h).
  const FlatTensors& tensors() const;
  const Placement& placement() const;

  // Puts what is not in the flat vector (counters, dropout's generator) where
  // every task starts, so that a task repeats bit by bit.
  void BeginTask(const Key& seed);

  // Mean loss over these rows of `data`, in training mode; sets gradient().
  // InvalidArgument naming the row if a target does not suit the loss, or the
  // shapes if an example or an output does not suit the network.
  absl::StatusOr<double> Differentiate(const Dataset& data,
                                       std::span<const std::uint32_t> rows,
                                       TrainingOptions::Loss loss);
  // Whether this network can step down by itself as these options ask.
  bool Descends(const TrainingOptions& options) const;
  // One step of SGD on the mean loss over these rows, in place: without
  // autograd if all layers have such a path (fused_stack.h), else without a
  // flat gradient. The loss before the step; errors as above.
  absl::StatusOr<double> Descend(const Dataset& data,
                                 std::span<const std::uint32_t> rows,
                                 TrainingOptions::Loss loss,
                                 const Descent& descent);
  // Judges these rows in evaluation mode.
  absl::StatusOr<Judgement> Judge(const Dataset& data,
                                  std::span<const std::uint32_t> rows,
                                  TrainingOptions::Loss loss);

 private:
  struct State;
  static absl::StatusOr<std::unique_ptr<Network>> Make(
      const std::string& what, const Placement& placement,
      const std::function<void(State&)>& compute);
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tributary::torch_internal
