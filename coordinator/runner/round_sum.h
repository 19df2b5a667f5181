// SPDX-License-Identifier: Apache-2.0
// The sum of one attempt of a round, folded by several threads at once from
// updates in the spool: 8 bytes a coordinate, or 4 where packed words have up
// to 32 bits, whatever the cohort's size. Integer adds commute, so the order of
// arrival and of the threads does not show.
//
// Threads: Fold (one thread for each update) and Cancel from any; the rest once
// no Fold runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "coordinator/secure/integer_round.h"
#include "coordinator/store/spool.h"
#include "privacy/secagg/server/masked_sum.h"

namespace tributary::coordinator {

// An update, or a partial sum, that rests in the spool.
struct SpooledUpdate {
  std::shared_ptr<store::Spool::Slot> slot;
  // Of floats.
  aggregation::Encoding encoding = aggregation::Encoding::kFloat32;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;  // XXH3-64
  // Of a partial sum: how many are in it; their names come first. 0: it is one
  // client's update.
  std::uint32_t leaves = 0;
};

// An update that is to be added to a sum, and how far that got.
struct UpdateFold {
  SpooledUpdate update;
  std::uint64_t weight = 0;  // of a partial sum that of all in it
  // Coordinates, or words, before this one are in the sum.
  std::size_t added = 0;
};

class RoundSum {
 public:
  // Of floats in any encoding, and of partial sums of them.
  explicit RoundSum(const aggregation::Layout& layout);
  // Of packed integers, with masks or without; each counts 1.
  explicit RoundSum(const IntegerRound& round);

  // Adds what is not added yet. After an error of the disk it can be called
  // again; DataLoss or InvalidArgument if the spool does not hold the update as
  // it was: the sum is then void.
  absl::Status Fold(UpdateFold& fold);
  // Folds in progress end early; the sum is void.
  void Cancel() { is_cancelled_ = true; }
  // The first of floats, the second of packed integers.
  aggregation::ExactSum Take() {
    return std::get<aggregation::ExactSum>(std::move(sum_));
  }
  secagg::MaskedSum TakeWords() {
    return std::get<secagg::MaskedSum>(std::move(sum_));
  }
  // Updates that are in it, partial sums as one each.
  std::uint64_t folded() const { return folded_; }

 private:
  // Coordinates, or words, that one lock guards.
  static constexpr std::size_t kStripe = 65'536;

  absl::Status FoldInto(aggregation::ExactSum& sum, UpdateFold& fold);
  absl::Status FoldInto(secagg::MaskedSum& sum, UpdateFold& fold);
  absl::Status FoldPartialSum(aggregation::ExactSum& sum, UpdateFold& fold);
  // Adds those of a block that are not in the sum yet; add(offset, values) is
  // called with a stripe's lock held.
  template <typename Value, typename Add>
  void AddByStripes(UpdateFold& fold, std::size_t offset,
                    std::span<const Value> values, const Add& add);

  std::variant<aggregation::ExactSum, secagg::MaskedSum> sum_;
  std::vector<std::mutex> stripes_;
  std::mutex contributions_;
  std::uint64_t folded_ = 0;
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace tributary::coordinator
