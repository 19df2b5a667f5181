// SPDX-License-Identifier: Apache-2.0
// All that an aggregator hands up: the names of its leaves, then their sum.
//
//   bytes = names (leaf_names.h), packed integers (partial_sum.h)
//
// Pure. A reader is one upload's, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/subtree.h"
#include "coordinator/tree/leaf_names.h"
#include "coordinator/tree/partial_sum.h"

namespace tributary::coordinator {

// Passes both to `sink`, at most 64 KiB at a time. Errors are those of
// WritePartialSum.
absl::Status WriteSubtreeSum(
    const round::LeafSet& leaves, const PartialSumFormat& format,
    const SumSource& source,
    const std::function<absl::Status(std::span<const std::byte>)>& sink);

// Checks what comes, cut anywhere, against what was announced. Memory: the
// names, and 10 KiB.
class SubtreeSumReader {
 public:
  using Defect = PartialSumReader::Defect;

  // `size`: bytes of both, as announced; `format` is that of a sum of as many
  // leaves and as much weight as were announced.
  SubtreeSumReader(const round::Subtree& announced, PartialSumFormat format,
                   std::uint64_t size);

  // The next bytes. kWrongSize: names and integers together are not as long as
  // was announced. Else the defects of the two readers. What comes after a
  // defect is of no use.
  Defect Feed(std::span<const std::byte> bytes);
  // All bytes are there. kWrongSize: they are fewer.
  Defect Finish() const;
  // Once, when it has finished without a defect.
  round::LeafSet TakeLeaves() { return std::move(names_).Take(); }

 private:
  LeafNamesReader names_;
  PartialSumReader sum_;
  const std::uint64_t sum_bytes_;
  const std::uint64_t size_;
};

}  // namespace tributary::coordinator
