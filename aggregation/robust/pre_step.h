// SPDX-License-Identifier: Apache-2.0
// What may stand before a rule: each makes other updates of the updates.
//
//   norm bound  y_i = x_i min(1, M / |x_i|)
//               Sun et al. 2019, "Can You Really Backdoor Federated Learning?"
//   bucketing   a random order of the x, cut into buckets of s (the last may be
//               smaller); y_k = the mean of bucket k, so that there are
//               ceil(n / s)
//               Karimireddy, He, Jaggi 2022, "Byzantine-Robust Learning on
//               Heterogeneous Datasets via Bucketing", algorithm 1
//   nearest-neighbour mixing
//               y_i = the mean of x_i and the n - f - 1 closest to it; of equal
//               distances the earlier row
//               Allouah et al. 2023, "Fixing by Mixing"
//
// Bucketing and mixing make honest updates alike where data are not IID, which
// is where rules take honest clients for adversaries. Bucketing leaves f
// adversaries among fewer updates; mixing costs n^2 operations a coordinate.
//
// Pure but for the words that bucketing draws.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregation/encoding.h"
#include "aggregation/robust/execution.h"
#include "aggregation/robust/mixed_updates.h"
#include "aggregation/robust/updates.h"

namespace tributary::robust {

struct NormBound {
  double norm = 0;  // M, over 0; L2, in units of the update
};
struct Bucketing {
  std::uint32_t size = 2;  // s, 1 .. n
};
struct NearestNeighbourMixing {
  std::uint32_t adversaries = 0;  // f; n > 2f
};
using PreStep = std::variant<NormBound, Bucketing, NearestNeighbourMixing>;

// InvalidArgument naming what is wrong with it for so many updates.
absl::Status Validate(const PreStep& step, std::uint64_t updates);
// How many updates come out of it.
std::uint64_t UpdatesAfter(const PreStep& step, std::uint64_t updates);

// What comes out of it. Norm bound and mixing take one pass, bucketing none and
// as many words as there are updates, or a few more. `words` may be empty where
// there is no bucketing.
absl::StatusOr<std::vector<Mixture>> MixturesOf(const PreStep& step,
                                                Updates& updates,
                                                const aggregation::Words& words,
                                                const Execution& execution);

}  // namespace tributary::robust
