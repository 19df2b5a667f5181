// SPDX-License-Identifier: Apache-2.0
#include "client/torch/archive_file.h"

#include <torch/script.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/torch/computation.h"
#include "client/torch/guard.h"
#include "client/torch/manifest_check.h"
#include "client/torch/network.h"

namespace tributary {
namespace {

using TensorsByName = std::map<std::string, torch::Tensor>;

TensorsByName Split(const Manifest& manifest, std::span<const float> weights) {
  TensorsByName tensors;
  std::size_t offset = 0;
  for (const TensorSpec& spec : manifest.tensors()) {
    torch::Tensor tensor = torch::empty(spec.shape);
    std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(offset),
                spec.Size(), tensor.data_ptr<float>());
    tensor.set_requires_grad(spec.trainable);
    tensors.emplace(spec.name, tensor);
    offset += spec.Size();
  }
  return tensors;
}

torch::jit::Module WithWeights(const std::filesystem::path& original,
                               const TensorsByName& tensors) {
  torch::NoGradGuard no_gradient;
  torch::jit::Module module = torch::jit::load(original.string(), torch::kCPU);
  const auto fill = [&](const std::string& name, torch::Tensor tensor) {
    // The second name of tied weights is in no manifest: it shares memory.
    if (auto found = tensors.find(name); found != tensors.end()) {
      tensor.copy_(found->second);
    }
  };
  for (const auto& pair : module.named_parameters()) {
    fill(pair.name, pair.value);
  }
  for (const auto& pair : module.named_buffers()) fill(pair.name, pair.value);
  return module;
}

void AddMode(torch::jit::Module& module) {
  module.register_attribute("training", c10::BoolType::get(), true);
}

// One child per layer, as the built-in architecture's tensor names say.
torch::jit::Module Scripted(const torch_internal::BuiltIn& built_in,
                            const Manifest& manifest,
                            const TensorsByName& tensors) {
  auto unit = std::make_shared<torch::jit::CompilationUnit>();
  const std::string prefix = "__torch__.tributary.";
  torch::jit::Module root(c10::QualifiedName(prefix + "Network"), unit);
  AddMode(root);
  std::map<std::string, torch::jit::Module> layers;
  std::vector<std::string> order;
  for (const TensorSpec& spec : manifest.tensors()) {
    const std::size_t dot = spec.name.find('.');
    const std::string layer = spec.name.substr(0, dot);
    auto found = layers.find(layer);
    if (found == layers.end()) {
      torch::jit::Module child(c10::QualifiedName(prefix + "layer_" + layer),
                               unit);
      AddMode(child);
      found = layers.emplace(layer, std::move(child)).first;
      order.push_back(layer);
    }
    found->second.register_parameter(spec.name.substr(dot + 1),
                                     tensors.at(spec.name), !spec.trainable);
  }
  for (const std::string& layer : order) {
    root.register_module(layer, layers.at(layer));
  }
  root.define(built_in.Source());
  return root;
}

}  // namespace

absl::StatusOr<Digest> DigestOfFile(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(absl::StrCat("cannot read ", file.string()));
  }
  Sha256Stream hash;
  std::vector<char> block(1 << 20);
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.Update(std::as_bytes(
        std::span(block.data(), static_cast<std::size_t>(in.gcount()))));
  }
  if (in.bad()) {
    return absl::UnavailableError(absl::StrCat("cannot read ", file.string()));
  }
  return hash.Finish();
}

absl::Status ExportArchive(const v1::Architecture& architecture,
                           const std::filesystem::path& original,
                           const Manifest& manifest,
                           std::span<const float> weights,
                           const std::filesystem::path& out) {
  // Says what is wrong with the architecture, the archive or the manifest.
  auto network = torch_internal::Network::Build(architecture, original);
  if (!network.ok()) return network.status();
  if (auto status =
          torch_internal::CheckManifest(manifest, (*network)->manifest());
      !status.ok()) {
    return status;
  }
  if (weights.size() != manifest.Length()) {
    return absl::InvalidArgumentError(absl::StrCat(
        weights.size(), " weights for a manifest of ", manifest.Length()));
  }
  return torch_internal::Guarded(
      "writing " + out.string(), [&]() -> absl::Status {
        const TensorsByName tensors = Split(manifest, weights);
        torch::jit::Module module =
            architecture.kind_case() == v1::Architecture::kTorchscript
                ? WithWeights(original, tensors)
                : Scripted(*torch_internal::MakeStack(
                               torch_internal::LayersOf(architecture)),
                           manifest, tensors);
        module.eval();
        module.save(out.string());
        return absl::OkStatus();
      });
}

}  // namespace tributary
