// SPDX-License-Identifier: Apache-2.0
// Which of how many ranks a process is, and where it finds the others, as
// torchrun, Slurm scripts and Kubeflow's PyTorchJob say it.
//
// A value; pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace tributary::simulation {

struct RankPlace {
  int rank = 0;
  int size = 1;
  // Of rank 0; of no meaning for a single one.
  std::string address = {};
  std::uint16_t port = 0;
};

// The value of an environment variable; null if it is not set.
using Environment = std::function<const char*(const char*)>;

// By RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; a single rank if neither of
// the first two is set. InvalidArgument names the variable that is missing or
// that makes no sense.
absl::StatusOr<RankPlace> ReadRankPlace(const Environment& environment);

// Which of the processes on its machine this is, from 0: LOCAL_RANK, as
// torchrun says it, or Slurm's SLURM_LOCALID; 0 if neither is set.
// InvalidArgument if it is no number.
absl::StatusOr<int> ReadLocalRank(const Environment& environment);

}  // namespace tributary::simulation
