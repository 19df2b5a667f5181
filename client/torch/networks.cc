// SPDX-License-Identifier: Apache-2.0
#include "client/torch/networks.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/torch/manifest_check.h"
#include "proto/codec/plan.h"

namespace tributary {

absl::StatusOr<TorchNetworks::Loan> TorchNetworks::Borrow(const Model& model) {
  // The architecture names an archive by its digest, so the path adds nothing.
  const std::string& key = model.architecture;
  std::unique_ptr<torch_internal::Network> network;
  Digest holds;
  {
    std::lock_guard lock(mutex_);
    if (key_ != key) {
      idle_.clear();
      key_ = key;
    }
    auto own =
        std::ranges::find(idle_, std::this_thread::get_id(), &Idle::last_user);
    if (own == idle_.end() && !idle_.empty()) own = std::prev(idle_.end());
    if (own != idle_.end()) {
      network = std::move(own->network);
      holds = own->holds;
      idle_.erase(own);
    }
  }
  if (network == nullptr) {
    auto architecture = codec::ArchitectureFromJson(model.architecture);
    if (!architecture.ok()) return architecture.status();
    auto built = torch_internal::Network::Build(*architecture, model.archive,
                                                placement_);
    if (!built.ok()) return built.status();
    network = *std::move(built);
  }
  Loan loan(*this, key, std::move(network));
  if (auto status =
          torch_internal::CheckManifest(model.manifest, loan->manifest());
      !status.ok()) {
    return status;
  }
  if (model.weights.size() != model.manifest.Length()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model holds ", model.weights.size(),
                     " weights, its manifest says ", model.manifest.Length()));
  }
  if (holds == Digest{} || holds != model.id) {
    std::copy_n(model.weights.data(), model.weights.size(),
                loan->weights().data());
  }
  if (auto there = loan->Upload(); !there.ok()) return there;
  return loan;
}

void TorchNetworks::Return(const std::string& key,
                           std::unique_ptr<torch_internal::Network> network,
                           const Digest& holds) {
  std::lock_guard lock(mutex_);
  if (key != key_) return;
  idle_.push_back({std::this_thread::get_id(), std::move(network), holds});
}

std::shared_ptr<TorchNetworks> MakeTorchNetworks(TorchDevice device) {
  return std::make_shared<TorchNetworks>(torch_internal::PlacementOn(device));
}

}  // namespace tributary
