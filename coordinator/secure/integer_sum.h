// SPDX-License-Identifier: Apache-2.0
// From the words of a round's updates, added up, to the sum that is released:
// masks off, checked, the coordinator's noise on it, its scalars read. Spent
// once.
//
//   IntegerSum sum(round, words, contributions, cipher, masks);
//   for (range < sum.Ranges()) sum.Finish(range, random);   on many threads
//   sum.Conclude();
//
// Memory: 8 bytes a word beside those of the masked sum. Finish may run on
// several threads at once for different ranges, each with a source of its own;
// everything else is the owner's alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/exact_sum.h"
#include "coordinator/round/types.h"
#include "coordinator/secure/integer_round.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/mask_stream.h"
#include "privacy/secagg/server/masked_sum.h"

namespace tributary::coordinator {

struct FinishedSum {
  aggregation::ExactSum sum;
  // What the updates said of themselves together; never under privacy.
  std::optional<round::Aggregates> aggregates;
  // Of the next round, where it follows a quantile.
  std::optional<double> next_clip_norm;
};

class IntegerSum {
 public:
  // Words of one range; the last may be shorter.
  static constexpr std::size_t kRange = 65'536;

  // `words` are the sum of the packed updates of `contributions` clients, one
  // at least, with these masks on it: those of Recovery, or none.
  IntegerSum(const IntegerRound& round, secagg::MaskedSum words,
             std::uint64_t contributions, secagg::StreamCipher cipher = {},
             std::vector<secagg::Mask> masks = {});

  std::size_t Ranges() const { return (values_.size() + kRange - 1) / kRange; }
  // Each range once. `random` is drawn from for the coordinator's noise:
  // BufferedRandom over SystemRandom where it must protect somebody.
  void Finish(std::size_t range, RandomSource& random);

  // Once all ranges are finished. FailedPrecondition if there are words that no
  // sum of these updates can have: somebody sent more than it may, and nothing
  // of the sum is to be trusted.
  absl::StatusOr<FinishedSum> Conclude() &&;

 private:
  // Words with the same noise.
  void Finish(std::span<std::int64_t> values, double variance,
              RandomSource& random);
  absl::Status CheckTotals(const aggregation::IntegerTotals& totals) const;

  const IntegerRound round_;
  secagg::MaskedSum words_;
  const std::uint64_t contributions_;
  const secagg::StreamCipher cipher_;
  const std::vector<secagg::Mask> masks_;
  std::vector<std::int64_t> values_;
  std::atomic<std::size_t> impossible_ = 0;
};

}  // namespace tributary::coordinator
