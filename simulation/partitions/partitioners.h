// SPDX-License-Identifier: Apache-2.0
// The ways of spreading examples over clients. Each answers with the client of
// every example, so that none can be lost or given twice.
//
// Pure but for the source they draw from; 4 to 14 bytes an example and at most
// 24 a client while they work. All return InvalidArgument, naming the key and
// the fix, if there are too few examples for so many clients. clients > 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "simulation/datasets/examples.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// The client of each example.
using Assignment = std::vector<std::uint32_t>;

// Shuffled, then cut into parts whose sizes differ by at most one.
absl::StatusOr<Assignment> AssignIid(std::size_t examples, std::size_t clients,
                                     RandomSource& random);

// Label skew: for each class c,
//
//   (p_c1, ..., p_cn) ~ Dirichlet(alpha)
//
// and its examples, shuffled, are cut in these shares over the n clients (Hsu
// et al. 2019, arXiv 1909.06335, turned around: classes are spread over
// clients, so that every example is used). A client with fewer than
// min_examples is then given examples, drawn at random one by one from whoever
// has most. InvalidArgument too if a target is no class, an integer in 0 ..
// 65,535.
absl::StatusOr<Assignment> AssignByDirichlet(
    const v1::Partition::Dirichlet& plan, std::span<const float> targets,
    std::size_t clients, RandomSource& random);

// Pathological label skew: sorted by target (equal ones in the order of the
// file), cut into clients x shards_per_client shards whose sizes differ by at
// most one; each client is dealt its shards at random (McMahan et al. 2017,
// section 3: 200 shards of 300 digits, two for each of 100 clients). With s
// shards a client of C equally frequent classes, C dividing the shards, holds
// at most s classes.
absl::StatusOr<Assignment> AssignShards(const v1::Partition::Shards& plan,
                                        std::span<const float> targets,
                                        std::size_t clients,
                                        RandomSource& random);

// Quantity skew: shuffled, then client k gets
//
//   m + q_k (N - n m) ,   sum_k q_k = 1
//
// of the N examples, cut at rounded cumulative sums; m is min_examples and n
// the number of clients. By the plan, q ~ Dirichlet(alpha) (Li et al. 2022,
// arXiv 2102.02079, section IV), q_k ~ exp(sigma z_k) with z_k standard normal,
// or q_k ~ (k + 1)^-exponent.
absl::StatusOr<Assignment> AssignQuantities(const v1::Partition::Quantity& plan,
                                            std::size_t examples,
                                            std::size_t clients,
                                            RandomSource& random);

// A client for each owner, in their order. InvalidArgument if the data have no
// owners.
absl::StatusOr<Assignment> AssignToOwners(const datasets::Examples& examples);

// The owners, in their order or shuffled, cut into groups whose numbers of
// owners differ by at most one; a client for each group. InvalidArgument if the
// data have no owners, or fewer than clients.
absl::StatusOr<Assignment> AssignToGroups(const v1::Partition::Groups& plan,
                                          const datasets::Examples& examples,
                                          std::size_t clients,
                                          RandomSource& random);

struct FileAssignment {
  Assignment client_of;
  std::size_t clients = 0;
};
// What the plan's file says of each example, or each owner. Without `clients`,
// as many as the file names, numbered from 0 without gaps. Errors name the
// file, the line, what was expected; no more memory is taken than 4 bytes an
// example or owner, whatever the file holds.
absl::StatusOr<FileAssignment> AssignFromFile(
    const v1::Partition::File& plan, const datasets::Examples& examples,
    std::optional<std::size_t> clients);

}  // namespace tributary::simulation
