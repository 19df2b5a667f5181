// SPDX-License-Identifier: Apache-2.0
// Words between an aggregator's coordinator and its parent's client: tasks that
// come down, sums that wait to go up (docs/hierarchy.md). Values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "coordinator/round/subtree.h"

namespace tributary::coordinator {

// One attempt at a round of the parent's.
struct TaskName {
  std::string run;
  int round = 0;
  int attempt = 0;
  friend auto operator<=>(const TaskName&, const TaskName&) = default;
};

// The sum of a task's leaves, as it goes up.
struct SumFile {
  // Names and integers (coordinator/tree/subtree_sum.h); synced. It stays as it
  // is until the task is over or another sum of it is made.
  std::filesystem::path file;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;  // XXH3-64
  round::Subtree subtree;      // its epoch is the parent's to say: 0
  double train_loss = 0;       // mean over the leaves' examples
};

// Hears of one task, from the coordinator's own threads; returns quickly.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void SumReady(const SumFile& sum) = 0;
  // There will be no sum, and why: "1 of at least 4 updates at the deadline".
  virtual void GivenUp(const std::string& reason) = 0;
};

}  // namespace tributary::coordinator
