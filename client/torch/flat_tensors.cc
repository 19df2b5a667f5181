// SPDX-License-Identifier: Apache-2.0
#include "client/torch/flat_tensors.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tributary::torch_internal {
namespace {

// A module can hold one tensor under two names (tied weights). LibTorch loads
// them as two tensors over the same memory.
using Place = std::tuple<const void*, std::vector<std::int64_t>,
                         std::vector<std::int64_t>>;
Place PlaceOf(const torch::Tensor& tensor) {
  return {tensor.data_ptr(), tensor.sizes().vec(), tensor.strides().vec()};
}

// One tensor of the manifest and all module tensors that are views of it.
struct Entry {
  TensorSpec spec;
  std::vector<torch::Tensor> tensors;
};

absl::Status Collect(const std::vector<NamedTensor>& named, bool trainable,
                     std::vector<Entry>& entries) {
  std::vector<std::pair<Place, std::size_t>> places;
  for (const NamedTensor& item : named) {
    const torch::Tensor& tensor = item.tensor;
    if (tensor.scalar_type() != torch::kFloat32 ||
        tensor.layout() != torch::kStrided) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", item.name, "\" is ",
                       torch::toString(tensor.scalar_type()),
                       "; only dense float32 tensors can be trained"));
    }
    if (tensor.numel() > 0) {
      const Place place = PlaceOf(tensor);
      auto same = std::find_if(places.begin(), places.end(),
                               [&](const auto& p) { return p.first == place; });
      if (same != places.end()) {
        entries[same->second].tensors.push_back(tensor);
        continue;
      }
      places.emplace_back(place, entries.size());
    }
    entries.push_back({{item.name, tensor.sizes().vec(), trainable}, {tensor}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FlatTensors> Flatten(Computation& computation,
                                    const torch::Device& device) {
  FlatTensors own;
  std::vector<NamedTensor> parameters, fixed;
  for (NamedTensor& item : computation.Parameters()) {
    (item.tensor.requires_grad() ? parameters : fixed)
        .push_back(std::move(item));
  }
  for (NamedTensor& item : computation.Buffers()) {
    if (item.tensor.scalar_type() == torch::kFloat32) {
      fixed.push_back(std::move(item));
    } else {
      own.local.emplace_back(item.tensor, item.tensor.detach().clone());
    }
  }
  std::vector<Entry> entries;
  if (auto status = Collect(parameters, true, entries); !status.ok()) {
    return status;
  }
  if (entries.empty()) {
    return absl::InvalidArgumentError("the model has no trainable parameter");
  }
  if (auto status = Collect(fixed, false, entries); !status.ok()) {
    return status;
  }
  std::vector<TensorSpec> specs;
  for (const Entry& entry : entries) specs.push_back(entry.spec);
  own.manifest = Manifest(std::move(specs));
  if (auto status = own.manifest.Validate(); !status.ok()) return status;

  own.flat =
      torch::zeros({static_cast<std::int64_t>(own.manifest.Length())}, device);
  own.gradient = torch::zeros(
      {static_cast<std::int64_t>(own.manifest.TrainableLength())}, device);
  std::int64_t offset = 0;
  for (Entry& entry : entries) {
    const auto size = static_cast<std::int64_t>(entry.spec.Size());
    torch::Tensor view =
        own.flat.narrow(0, offset, size).view(entry.spec.shape);
    view.copy_(entry.tensors.front().detach());
    for (torch::Tensor& tensor : entry.tensors) {
      tensor.set_data(view);
      if (!entry.spec.trainable) continue;
      own.trainable.push_back(
          {tensor, view,
           own.gradient.narrow(0, offset, size).view(entry.spec.shape)});
    }
    offset += size;
  }
  return own;
}

}  // namespace tributary::torch_internal
