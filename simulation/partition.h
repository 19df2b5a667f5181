// SPDX-License-Identifier: Apache-2.0
// Which client of a simulated population holds which examples. Every example
// belongs to exactly one client; a client's examples keep the order of the
// file.
//
// Pure: the same plan, targets and key give the same partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// One flat list of example indexes, cut into clients: 4 bytes an example and 8
// a client. A value.
class Partition {
 public:
  Partition() = default;
  // The examples of each client; sorted on the way in.
  explicit Partition(std::vector<std::vector<std::uint32_t>> clients);

  std::size_t clients() const { return starts_.size() - 1; }
  std::size_t examples() const { return examples_.size(); }
  // Indexes of the client's examples, increasing.
  std::span<const std::uint32_t> Of(std::size_t client) const;

 private:
  std::vector<std::uint32_t> examples_;
  std::vector<std::size_t> starts_{0};
};

// client-0000, client-0001, ...: at least four digits.
std::string ClientName(std::size_t client);

// Partitions the examples with these targets as the plan says, drawing from
// KeyedStream(run_key, "partition").
//
//   iid        shuffled, then cut into parts whose sizes differ by at most one
//   dirichlet  for each class, shares over the clients from Dirichlet(alpha)
//              (Hsu et al. 2019, arXiv 1909.06335, turned around: classes are
//              spread over clients, so that every example is used). A client
//              with fewer than min_examples is then given examples, drawn at
//              random one by one from whoever has most.
//
// InvalidArgument, naming the key, if there are too few examples, or if labels
// are to be skewed that are not classes (integers in 0 .. 65,535).
absl::StatusOr<Partition> MakePartition(const v1::SimulationPlan& plan,
                                        std::span<const float> targets,
                                        const Key& run_key);

}  // namespace tributary::simulation
