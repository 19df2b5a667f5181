// SPDX-License-Identifier: Apache-2.0
#include "client/torch/cuda_devices.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/cuda.h>

#include <typeinfo>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tributary {
namespace torch_internal {
namespace {

std::string WhyNone(const CudaDevices& there) {
  if (there.library == CudaDevices::Library::kCpuOnly) {
    return "this LibTorch is built without CUDA, as Debian's libtorch-dev is; "
           "build with one that has it (CMAKE_PREFIX_PATH, "
           "docs/simulation.md), or choose cpu";
  }
  return "LibTorch finds no CUDA device here; see that nvidia-smi shows one "
         "and CUDA_VISIBLE_DEVICES does not hide it, or choose cpu";
}

}  // namespace

CudaDevices CudaDevicesHere() {
  // LibTorch's CUDA half registers hooks of its own where it is linked.
  const auto& hooks = at::detail::getCUDAHooks();
  CudaDevices there;
  if (typeid(hooks) == typeid(at::CUDAHooksInterface)) return there;
  there.library = CudaDevices::Library::kHasCuda;
  there.count = static_cast<int>(torch::cuda::device_count());
  return there;
}

absl::StatusOr<TorchDevice> ChooseAmong(const CudaDevices& there,
                                        std::string_view name, int process) {
  if (name == "cpu") return TorchDevice{};
  if (name != "auto" && name != "cuda") {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", std::string(name), "\" is no device; one of auto, cpu, cuda is"));
  }
  if (there.count > 0) {
    return TorchDevice{TorchDevice::Kind::kCuda, process % there.count};
  }
  if (name == "auto") return TorchDevice{};
  return absl::FailedPreconditionError(WhyNone(there));
}

}  // namespace torch_internal

std::string NameOf(TorchDevice::Kind kind) {
  return kind == TorchDevice::Kind::kCuda ? "cuda" : "cpu";
}

absl::StatusOr<TorchDevice> ChooseTorchDevice(std::string_view name,
                                              int process) {
  return torch_internal::ChooseAmong(torch_internal::CudaDevicesHere(), name,
                                     process);
}

}  // namespace tributary
