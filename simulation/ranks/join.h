// SPDX-License-Identifier: Apache-2.0
// Ranks over LibTorch's c10d: a TCP store at rank 0 where they meet, Gloo for
// what they tell one another, and Gloo or NCCL for sums (transport.h). This
// header needs no LibTorch header.
//
// Nothing is encrypted, and whoever reaches the port may take a seat: for
// networks that are private to the job.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/ranks/rank_place.h"
#include "simulation/ranks/ranks.h"

namespace tributary::simulation {

struct JoinOptions {
  // How long the others may take to come, and from then on to answer. Longer
  // than any of them trains between two exchanges.
  std::chrono::seconds timeout = std::chrono::minutes(5);
  // The network interface to use, such as "eth0"; empty: that of this machine's
  // host name, or loopback if all ranks know rank 0 by a loopback address.
  std::string interface = {};
  // Which CUDA device this rank trains on; nothing: the processor.
  std::optional<int> cuda_device = {};
  // On rank 0, once others can come: told the port, which is a free one if the
  // place has port 0. An error of it is an error of Join.
  std::function<absl::Status(std::uint16_t port)> on_listening = {};
  // Asked now and then until all have come; an error of it is one of Join.
  std::function<absl::Status()> while_waiting = {};
};

// Waits for all ranks; from then on the process ignores SIGPIPE. Unavailable,
// naming who is missing, if they do not come in time; InvalidArgument if the
// port cannot be had or a seat is taken.
absl::StatusOr<std::unique_ptr<Ranks>> Join(const RankPlace& place,
                                            const JoinOptions& options);

}  // namespace tributary::simulation
