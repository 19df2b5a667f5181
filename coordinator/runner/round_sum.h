// SPDX-License-Identifier: Apache-2.0
// The sum of one attempt of a round, folded by several threads at once from
// updates in the spool: 8 bytes a coordinate, whatever the cohort's size.
// Integer adds commute, so the order of arrival and of the threads does not
// show.
//
// Threads: Fold and Cancel from any; Take once no Fold runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/encoding.h"
#include "aggregation/exact_sum.h"
#include "coordinator/store/spool.h"

namespace tributary::coordinator {

// An update that rests in the spool.
struct SpooledUpdate {
  std::shared_ptr<store::Spool::Slot> slot;
  aggregation::Encoding encoding = aggregation::Encoding::kFloat32;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;  // XXH3-64
};

class RoundSum {
 public:
  explicit RoundSum(const aggregation::Layout& layout);

  // Adds an update. DataLoss (or the error of the disk) if it could not be read
  // back as it was: the sum is then void.
  absl::Status Fold(const SpooledUpdate& update, std::uint32_t weight);
  // Folds in progress end early; the sum is void.
  void Cancel() { is_cancelled_ = true; }
  aggregation::ExactSum Take() { return std::move(sum_); }

 private:
  // Coordinates that one lock guards.
  static constexpr std::size_t kStripe = 65'536;

  aggregation::ExactSum sum_;
  std::vector<std::mutex> stripes_;
  std::mutex contributions_;
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace tributary::coordinator
