// SPDX-License-Identifier: Apache-2.0
// The other ranks of a simulation on one machine, as children of the process
// that is rank 0: the same program with the same arguments, told by the
// environment which rank they are.
//
// They end by themselves when rank 0 does, as they lose touch with it. One
// thread. Lifetime: the destructor waits for those that are left, and kills
// those that stay.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::simulation {

class LocalRanks {
 public:
  // Starts ranks 1 .. size - 1, to meet rank 0 at this port of the machine.
  // Internal, with the system's reason, if a process cannot be started.
  static absl::StatusOr<std::unique_ptr<LocalRanks>> Start(
      const std::vector<std::string>& arguments, int size, std::uint16_t port);
  ~LocalRanks();
  LocalRanks(const LocalRanks&) = delete;
  LocalRanks& operator=(const LocalRanks&) = delete;

  // Unavailable, naming the rank, if one has ended that did not succeed.
  absl::Status Check();
  // The same once all have ended.
  absl::Status Wait();

 private:
  LocalRanks() = default;
  // Whether the child had ended; then how is known.
  bool Reap(std::size_t index, int options);

  // Of rank 1 on; 0 once it has ended.
  std::vector<pid_t> children_;
  absl::Status failure_;
};

}  // namespace tributary::simulation
