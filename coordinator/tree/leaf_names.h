// SPDX-License-Identifier: Apache-2.0
// The names of the leaves, at the head of what an aggregator hands up: sorted,
// each after its length as 4 bytes, little-endian. These are the bytes whose
// hash the announcement says (LeafSet::Name). docs/hierarchy.md.
//
// Pure. A reader is one list's, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/subtree.h"
#include "coordinator/tree/partial_sum.h"

namespace tributary::coordinator {

// Bytes of a list of so many names, at least and at most.
std::uint64_t LeastNameBytes(std::uint64_t leaves);
std::uint64_t MostNameBytes(std::uint64_t leaves);
std::uint64_t NameBytes(const round::LeafSet& leaves);

// Passes the list to `sink`, at most 64 KiB at a time. The sink's error.
absl::Status WriteLeafNames(
    const round::LeafSet& leaves,
    const std::function<absl::Status(std::span<const std::byte>)>& sink);

// Reads a list that comes cut anywhere, and holds no more than its names.
class LeafNamesReader {
 public:
  using Defect = PartialSumReader::Defect;

  explicit LeafNamesReader(const round::Subtree& announced)
      : announced_(announced) {}

  // The next bytes; what is behind the list's last stays in `bytes`.
  // kBadEncoding: a name is empty, longer than 128 bytes, or does not come
  // after the one before it. kBadChecksum: the names are not those announced.
  // After a defect what comes is of no use.
  Defect Feed(std::span<const std::byte>& bytes);
  // As many as were announced, and the very same.
  bool IsComplete() const { return is_complete_; }
  std::uint64_t received() const { return received_; }
  // Once, when it is complete.
  round::LeafSet Take() &&;

 private:
  Defect Add(std::string name);
  Defect Close();

  round::Subtree announced_;
  std::string pending_;  // of a length, or of a length and its name
  std::vector<round::ClientId> names_;
  round::LeafSet leaves_;  // once complete
  std::uint64_t received_ = 0;
  bool is_complete_ = false;
};

}  // namespace tributary::coordinator
