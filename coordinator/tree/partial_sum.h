// SPDX-License-Identifier: Apache-2.0
// What an aggregator hands up of its subtree: one sum, in the fewest bits in
// which any sum of so many leaves and so much weight fits with its sign.
//
//   |S_j| <= W M_j              M_j = round(largest value / step), W: weight
//   bits_j = 1 + bit_width(W M_j)
//
// Each part of the vector (parameters, buffers, what a strategy adds) has a
// bound of its own, so a width of its own, and begins at a byte. Integers are
// in two's complement, packed as in privacy/secagg/packing.h.
// docs/hierarchy.md.
//
// Pure. Formats are values; a reader is one partial sum's, one thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/exact_sum.h"
#include "aggregation/grid.h"
#include "coordinator/round/types.h"
#include "privacy/secagg/packed_reader.h"

namespace tributary::coordinator {

// How the bytes of one partial sum are laid out.
class PartialSumFormat {
 public:
  struct Part {
    std::size_t count = 0;  // integers
    int bits = 0;           // of each
    // The largest magnitude of each; 2^(bits - 1) where any word may be.
    std::int64_t largest = 0;
    friend bool operator==(const Part&, const Part&) = default;
  };

  // Of a sum of updates on grids (aggregation/exact_sum.h): of so many leaves,
  // with this weight together. InvalidArgument, for the aggregator, if there
  // are no such leaves: 1 .. 2^20, each of weight 1 .. max_weight.
  static absl::StatusOr<PartialSumFormat> OfSum(
      const aggregation::Layout& layout, std::uint64_t leaves,
      std::uint64_t weight);
  // Of a sum of integer updates, scalars included, each of whose words is at
  // most `largest_word` in magnitude (IntegerRound). InvalidArgument if there
  // are not 1 .. 2^20 leaves, or their sum would have more than 63 bits.
  static absl::StatusOr<PartialSumFormat> OfWords(std::size_t words,
                                                  std::int64_t largest_word,
                                                  std::uint64_t leaves);
  // Of such a sum with masks on it: words modulo 2^word_bits, of which nothing
  // can be known.
  static PartialSumFormat OfMaskedWords(std::size_t words, int word_bits);

  const std::vector<Part>& parts() const { return parts_; }
  std::size_t length() const;  // integers
  std::uint64_t Bytes() const;

  friend bool operator==(const PartialSumFormat&,
                         const PartialSumFormat&) = default;

 private:
  void Add(std::size_t count, std::int64_t largest);

  std::vector<Part> parts_;  // none of them empty
};

// Fills `out` with the integers of a sum from `first`.
using SumSource =
    std::function<void(std::size_t first, std::span<std::int64_t> out)>;
// `sum` outlives what is returned.
SumSource SourceOf(const aggregation::ExactSum& sum);

// Passes the bytes of a partial sum to `sink`, in order, at most 64 KiB at a
// time. FailedPrecondition if an integer is larger than the leaves can make
// together: under masks somebody sent more than it may. Else the sink's error.
absl::Status WritePartialSum(
    const PartialSumFormat& format, const SumSource& source,
    const std::function<absl::Status(std::span<const std::byte>)>& sink);

// Turns the bytes of a partial sum, cut anywhere, back into integers, and says
// what is wrong with them. Less than 10 KiB, whatever it is fed.
class PartialSumReader {
 public:
  struct Defect {
    round::Refusal refusal = round::Refusal::kNone;
    std::string detail;
  };
  // Receives integers [first, first + sums.size()), at most 1,024, of one part;
  // for AddSums. False ends the reading, which is no defect.
  using Sink = std::function<bool(std::size_t first,
                                  std::span<const std::int64_t> sums)>;

  explicit PartialSumReader(PartialSumFormat format);

  // The next bytes. kWrongSize: more than the sum has. kBadEncoding: bits
  // behind the last integer of a part are set. kOverBound: an integer is larger
  // than the leaves can make. What comes after a defect, or after the sink's
  // end, is of no use. `sink` may be empty.
  Defect Feed(std::span<const std::byte> bytes, const Sink& sink);
  // All bytes are there. kWrongSize: they are fewer.
  Defect Finish() const;

 private:
  void BeginPart();
  Defect Pass(std::size_t first, std::span<const std::int64_t> sums,
              const Sink& sink);

  PartialSumFormat format_;
  std::size_t part_ = 0;    // being read
  std::size_t offset_ = 0;  // where it begins
  std::optional<secagg::PackedReader> words_;
  std::uint64_t received_ = 0;
  bool is_ended_ = false;  // by the sink
};

}  // namespace tributary::coordinator
