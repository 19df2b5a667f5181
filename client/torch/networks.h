// SPDX-License-Identifier: Apache-2.0
// The networks that trainers borrow for a task.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/torch/network.h"
#include "client/torch/placement.h"
#include "tributary/model.h"
#include "tributary/torch_trainer.h"

namespace tributary {

// Thread-safe. Networks of one architecture only are kept idle: those of the
// last one that was asked for. A thread gets its own back where it can: that
// one is in its processor's cache.
class TorchNetworks {
 public:
  explicit TorchNetworks(torch_internal::Placement placement)
      : placement_(std::move(placement)) {}

  // A network for one task; goes back when destroyed. Outlived by its lender.
  class Loan {
   public:
    Loan(TorchNetworks& lender, std::string key,
         std::unique_ptr<torch_internal::Network> network)
        : lender_(&lender),
          key_(std::move(key)),
          network_(std::move(network)) {}
    Loan(Loan&& other) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
      if (network_ != nullptr) {
        lender_->Return(key_, std::move(network_), holds_);
      }
    }
    // Its weights are this model's again, so that the next loan of it saves the
    // copying. Of weights that no digest names, nothing is said.
    void SayItHolds(const Digest& model) { holds_ = model; }
    torch_internal::Network* operator->() const { return network_.get(); }
    torch_internal::Network& operator*() const { return *network_; }

   private:
    TorchNetworks* lender_;
    std::string key_;
    std::unique_ptr<torch_internal::Network> network_;
    Digest holds_;
  };

  // A network of the model's architecture, holding the model's weights.
  // InvalidArgument if the architecture cannot be built or its manifest is not
  // the model's.
  absl::StatusOr<Loan> Borrow(const Model& model);

 private:
  void Return(const std::string& key,
              std::unique_ptr<torch_internal::Network> network,
              const Digest& holds);

  const torch_internal::Placement placement_;
  std::mutex mutex_;
  std::string key_;
  struct Idle {
    std::thread::id last_user;
    std::unique_ptr<torch_internal::Network> network;
    // Whose weights it has, if that is known.
    Digest holds;
  };
  std::vector<Idle> idle_;
};

}  // namespace tributary
