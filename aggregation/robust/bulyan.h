// SPDX-License-Identifier: Apache-2.0
// Bulyan: Krum chooses theta = n - 2f updates one after another, each among
// those not yet chosen; then each coordinate is the mean of the theta - 2f
// values that are closest to its median.
//
// El Mhamdi, Guerraoui, Rouault 2018, "The Hidden Vulnerability of Distributed
// Learning in Byzantium", section 4. Among r updates not yet chosen a score
// adds up max(1, r - f - 2) distances; of equal scores the earlier row is
// chosen. Of two values equally far from the median the lower one is taken.
//
// Pure. Two passes, the second over the chosen updates alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "aggregation/robust/distances.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct Bulyan {
  std::uint32_t adversaries = 0;  // f; n >= 4f + 3
};

// InvalidArgument if `updates` are too few, naming how many it takes.
absl::Status Validate(const Bulyan& rule, std::uint64_t updates);

// The theta rows in the order in which they are chosen. O(n^3) at worst.
std::vector<std::size_t> SelectForBulyan(const Bulyan& rule,
                                         const Distances& distances);

// The means of the coordinates of `rows`, which rise. One pass.
absl::Status MeanAroundMedian(Updates& updates,
                              std::span<const std::size_t> rows,
                              std::size_t kept, const Execution& execution,
                              std::span<float> out);

}  // namespace tributary::robust
