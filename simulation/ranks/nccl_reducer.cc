// SPDX-License-Identifier: Apache-2.0
#include "simulation/ranks/reducer.h"

#ifdef USE_C10D_NCCL

#include <stdlib.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <utility>

namespace tributary::simulation {

NcclSupport NcclHere() { return NcclSupport::kBuilt; }

Reducer MakeNcclReducer(const c10::intrusive_ptr<c10d::Store>& store,
                        const RankPlace& place, int cuda_device,
                        std::chrono::milliseconds timeout) {
  // Otherwise a rank that is gone is no exception but a hang: LibTorch 1.13
  // knows the first name, 2.x the second.
  ::setenv("NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
  ::setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  auto group = c10::make_intrusive<c10d::ProcessGroupNCCL>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), place.rank,
      place.size, std::move(options));
  return {at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(cuda_device)),
          [group](std::vector<at::Tensor>& tensors) {
            group->allreduce(tensors)->wait();
          }};
}

}  // namespace tributary::simulation

#else

#include <stdexcept>

namespace tributary::simulation {

NcclSupport NcclHere() { return NcclSupport::kNone; }

Reducer MakeNcclReducer(const c10::intrusive_ptr<c10d::Store>&,
                        const RankPlace&, int, std::chrono::milliseconds) {
  throw std::logic_error("built without NCCL");
}

}  // namespace tributary::simulation

#endif
