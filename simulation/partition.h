// SPDX-License-Identifier: Apache-2.0
// Which client of a simulated population holds which examples. Every example
// belongs to exactly one client, or to as many as the plan's partition.repeat
// says; a client's examples keep the order of the file. Adversaries, the last
// clients, hold what honest ones hold: the examples are dealt out among these.
//
// Pure, but for partition.file: the same plan, examples and key give the same
// partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/crypto/random.h"
#include "simulation/datasets/examples.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// One flat list of example indexes, cut into parts: 4 bytes an example and 8 a
// part. Client k holds part k modulo the number of parts. A value.
class Partition {
 public:
  Partition() = default;
  // The part of each example, less than `parts`. Each part is then held by
  // `holders` clients.
  Partition(std::span<const std::uint32_t> part_of, std::size_t parts,
            std::size_t holders = 1);
  // Part k is examples[starts[k]] to before examples[starts[k + 1]].
  Partition(std::vector<std::uint32_t> examples,
            std::vector<std::size_t> starts, std::size_t holders);

  // So many clients more, who hold what the first of the others hold.
  void AddAdversaries(std::size_t adversaries) { adversaries_ = adversaries; }

  std::size_t clients() const { return honest() + adversaries_; }
  std::size_t honest() const { return parts() * holders_; }
  std::size_t adversaries() const { return adversaries_; }
  std::size_t parts() const { return starts_.size() - 1; }
  std::size_t holders() const { return holders_; }
  // Different ones: each counted once, whoever holds it.
  std::size_t examples() const { return examples_.size(); }
  // Indexes of the client's examples, increasing.
  std::span<const std::uint32_t> Of(std::size_t client) const;

 private:
  std::vector<std::uint32_t> examples_;
  std::vector<std::size_t> starts_{0};
  std::size_t holders_ = 1;
  std::size_t adversaries_ = 0;
};

// client-0000, client-0001, ...: at least four digits.
std::string ClientName(std::size_t client);
// Of such a name.
std::size_t ClientNumber(const std::string& name);

// Partitions the examples as the plan says
// (simulation/partitions/partitioners.h), drawing from
// KeyedStream(run_key, "partition"). With repeat r, a partition over
// clients / r parts is held by r clients a part. The clients of a natural
// partition are the data's owners, those of a file what it names. Where the
// plan has an attack all of these are honest, and its adversaries come after
// them.
//
// InvalidArgument, naming the key and the fix, if there are too few examples or
// the examples are not what the partitioner needs, or the attack would have no
// adversary.
absl::StatusOr<Partition> MakePartition(const v1::SimulationPlan& plan,
                                        const datasets::Examples& examples,
                                        const Key& run_key);

}  // namespace tributary::simulation
