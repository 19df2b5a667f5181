// SPDX-License-Identifier: Apache-2.0
// Aggregators that a test plays under a coordinator in memory: each has leaves
// whose updates are made as those of clients anywhere (oracle.h), adds them up
// and hands the sum up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/tree/partial_sum.h"
#include "tests/coordinator/runner/federation.h"

namespace tributary::testing {

// The task that this leaf has under an aggregator, or under the root, with this
// round's task.
v1::Task LeafTask(const v1::Task& aggregators, const std::string& leaf);

// Of the sum that an aggregator hands up for its task.
coordinator::PartialSumFormat SumFormat(const v1::Task& task,
                                        std::uint64_t leaves,
                                        std::uint64_t weight);
// What an aggregator hands up for its task: names and sum, and the
// announcement.
TestUpdate MakeSum(const v1::Task& task, std::uint64_t epoch,
                   const std::set<std::string>& leaves);
// With this in the place of the names and integers.
void SetBytes(TestUpdate& sum, std::string bytes);

// A plan with this many aggregators and leaves, each of which is awaited.
v1::Plan TreePlan(const PlanChoice& choice, int aggregators);

class TreeFederation {
 public:
  // Names of leaves, by aggregator.
  using Tree = std::map<std::string, std::set<std::string>>;
  explicit TreeFederation(Tree tree) : tree_(std::move(tree)) {}

  Federation& root() { return root_; }
  // All leaves, also those of several.
  std::vector<std::string> Leaves() const;
  // Begins a run and plays everybody, these clients of the root's own too,
  // until it is over; `before` is called before each letter with its number.
  std::string Play(const v1::Plan& plan,
                   const std::vector<std::string>& trainers = {},
                   const std::function<void(int)>& before = nullptr);
  // The coordinator ends and begins again, and all come back to it.
  void Restart();
  // This aggregator's disk is lost; it joins anew.
  void LoseDisk(const std::string& aggregator);

  std::uint64_t EpochOf(const std::string& aggregator) {
    return disks_[aggregator].epoch;
  }
  // Leaves that each aggregator was told to take out, in all rounds.
  const std::map<std::string, std::set<std::string>>& taken_out() const {
    return taken_out_;
  }
  // What the log said, one line an event: "round released run=... round=...".
  // From the next opening of the coordinator on.
  void KeepLog();
  std::vector<std::string> LogLines(const std::string& message);

 private:
  struct Disk {
    std::uint64_t session = 0;
    std::uint64_t epoch = 0;
    v1::Task task;
    std::set<std::string> leaves;  // in the sum of the task
    TestUpdate sum;
  };
  void ComeBack();
  void React(const Letter& letter);
  void ReactAsAggregator(const Letter& letter, Disk& disk);

  const Tree tree_;
  Federation root_;
  std::vector<std::string> trainers_;
  std::map<std::string, Disk> disks_;
  std::map<std::string, std::set<std::string>> taken_out_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

}  // namespace tributary::testing
