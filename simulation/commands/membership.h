// SPDX-License-Identifier: Apache-2.0
// How a run comes to its ranks: those that the environment tells of (RANK,
// WORLD_SIZE, MASTER_ADDR, MASTER_PORT, and GLOO_SOCKET_IFNAME for the network
// interface), or as many as are wanted on this machine, or this process alone.
//
// One thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "simulation/ranks/local_ranks.h"
#include "simulation/ranks/ranks.h"

namespace tributary::simulation {

struct RankOptions {
  // Ranks on this machine, this process included; nothing: see above.
  std::optional<int> local = {};
  // How long a rank may take to come, and to answer.
  std::chrono::seconds timeout = std::chrono::minutes(5);
  // Which CUDA device this process trains on; nothing: the processor.
  std::optional<int> cuda_device = {};
  // The program's arguments without --ranks: those of the other local ranks.
  std::vector<std::string> arguments = {};
};

struct Membership {
  // Those this process has started; null: none.
  std::unique_ptr<LocalRanks> children;
  // To go before the children, who end when they lose touch.
  std::shared_ptr<Ranks> ranks;
};

// Waits for all ranks. Errors name the variable or the rank.
absl::StatusOr<Membership> JoinRanks(const RankOptions& options);

// The arguments of a command line without `--ranks N` and `--ranks=N`.
std::vector<std::string> WithoutRanks(std::vector<std::string> arguments);

}  // namespace tributary::simulation
