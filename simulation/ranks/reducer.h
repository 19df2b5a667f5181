// SPDX-License-Identifier: Apache-2.0
// An all-reduce over ranks, on the device whose memory it takes tensors from.
// Includes LibTorch: for the .cc files of simulation/ranks that need it.
#pragma once

#include <ATen/ATen.h>

#include <chrono>
#include <functional>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "simulation/ranks/rank_place.h"
#include "simulation/ranks/transport.h"

namespace tributary::simulation {

struct Reducer {
  at::Device device = at::kCPU;
  // Sums each tensor over all ranks, in place. Throws what c10d throws.
  std::function<void(std::vector<at::Tensor>&)> all_reduce;
};

// kBuilt where LibTorch has CUDA and NCCL's header was found.
NcclSupport NcclHere();

// On this rank's CUDA device. NcclHere() is kBuilt. Throws what c10d throws.
Reducer MakeNcclReducer(const c10::intrusive_ptr<c10d::Store>& store,
                        const RankPlace& place, int cuda_device,
                        std::chrono::milliseconds timeout);

}  // namespace tributary::simulation
