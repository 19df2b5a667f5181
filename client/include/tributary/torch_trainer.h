// SPDX-License-Identifier: Apache-2.0
// The LibTorch trainer: any built-in or TorchScript architecture over an
// in-memory data set. This header needs no LibTorch header.
//
//   auto train = tributary::ReadCsv("windows.csv", {});
//   if (!train.ok()) return 1;
//   auto trainer = tributary::MakeTorchTrainer(
//       std::make_shared<tributary::Dataset>(*std::move(train)), nullptr);
//   auto client = tributary::Client::Create(options, *trainer);
//
// All parameters and buffers are views of one flat tensor: loading weights is
// one copy, the delta one subtraction. On a CUDA device the flat tensor is
// copied there before a task and back after it, and all training goes through
// autograd; on the processor known layers train without it.
//
// Process-wide effect: LibTorch is set to one inter-op thread, and to one
// intra-op thread on the threads that call a trainer (OpenBLAS everywhere), so
// that the same task gives the same bits on every machine of a kind.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/dataset.h"
#include "tributary/trainer.h"

namespace tributary {

// Where LibTorch computes: on this machine's processor or a CUDA device. The
// same task gives the same bits on the same kind of device only.
struct TorchDevice {
  enum class Kind { kCpu, kCuda };
  Kind kind = Kind::kCpu;
  int index = 0;  // which CUDA device, from 0
  friend bool operator==(const TorchDevice&, const TorchDevice&) = default;
};
// "cpu" or "cuda".
std::string NameOf(TorchDevice::Kind kind);

// `name`: "cpu", "cuda", or "auto", which is CUDA where there is some and else
// the processor. `process` numbers those of this machine that compute at the
// same time, from 0: CUDA devices are dealt out to them in turn.
// InvalidArgument for another name; FailedPrecondition that says what to do if
// CUDA is asked for and there is none.
absl::StatusOr<TorchDevice> ChooseTorchDevice(std::string_view name,
                                              int process = 0);

// Networks kept between tasks, for trainers to share: as many as train at the
// same time, rather than one a trainer. Thread-safe.
class TorchNetworks;
std::shared_ptr<TorchNetworks> MakeTorchNetworks(TorchDevice device = {});

// Trains on `train`, evaluates on `test`; either may be null if it is never
// asked for. Metrics: "loss", and "accuracy" for cross_entropy and bce.
//
// Errors of a task: InvalidArgument if the model's manifest is not the
// architecture's (the first difference is named), if an example does not fit
// the network or a target its loss (the row is named); FailedPrecondition
// without data; Cancelled; OutOfRange if the loss is no longer finite.
//
// An example is reshaped if a built-in architecture wants as many values in
// another shape: rows of 64 become 1x8x8 images for the CNN.
std::unique_ptr<Trainer> MakeTorchTrainer(
    std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
    std::shared_ptr<TorchNetworks> networks = nullptr);

}  // namespace tributary
