// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/pace.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"

namespace tributary::round {
namespace {

using std::chrono::seconds;
constexpr Duration kShortest = seconds(1);

}  // namespace

ComeBack PaceWindow(const Key& key, const ClientId& client, Instant now,
                    Duration horizon) {
  const Duration h = std::clamp(horizon, kShortest, kLongestHorizon);
  KeyedStream stream(key, absl::StrCat("pace/", now.time_since_epoch().count(),
                                       "/", client.name));
  const Duration jitter(
      static_cast<Duration::rep>(stream.Below(h.count() / 4)));
  const Duration earliest = h + jitter;
  return ComeBack{client, earliest, earliest + h / 4};
}

Duration MeanAbsence(Duration horizon) {
  return std::clamp(horizon, kShortest, kLongestHorizon) * 5 / 4;
}

}  // namespace tributary::round
