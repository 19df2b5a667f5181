// SPDX-License-Identifier: Apache-2.0
// Which device a process computes on, of those there are. Needs no LibTorch
// header. CudaDevicesHere asks the driver; the rest is pure.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/torch_trainer.h"

namespace tributary::torch_internal {

struct CudaDevices {
  enum class Library { kCpuOnly, kHasCuda } library = Library::kCpuOnly;
  int count = 0;
};

// Of this LibTorch on this machine.
CudaDevices CudaDevicesHere();

// ChooseTorchDevice, where there are these.
absl::StatusOr<TorchDevice> ChooseAmong(const CudaDevices& there,
                                        std::string_view name, int process);

}  // namespace tributary::torch_internal
