// SPDX-License-Identifier: Apache-2.0
// Where a network's tensors lie. Needs no LibTorch header.
#pragma once

#include <string>

#include "tributary/torch_trainer.h"

namespace tributary::torch_internal {

struct Placement {
  // kHost: the flat vector is the caller's too, and known layers train without
  // autograd. kDevice: the device has a copy, and trains by itself; any device
  // will do, so that the processor can stand in for one.
  enum class Memory { kHost, kDevice } memory = Memory::kHost;
  std::string device = "cpu";  // as LibTorch writes it: "cuda:1"
};

inline Placement PlacementOn(const TorchDevice& device) {
  if (device.kind == TorchDevice::Kind::kCpu) return {};
  return {Placement::Memory::kDevice, "cuda:" + std::to_string(device.index)};
}

}  // namespace tributary::torch_internal
