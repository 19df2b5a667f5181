// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/play_session.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tributary::round {

void PlaySession::Open(const OpenRound&) {
  step_ = SecureStep::kAdvertising;
  is_over_ = false;
  members_.clear();
  answered_.clear();
  survivors_ = 0;
}

bool PlaySession::Takes(const ClientId& client, SecureStep step) {
  if (is_over_ || step != step_) return false;
  if (step != SecureStep::kAdvertising && !members_.contains(client)) {
    return false;
  }
  return answered_.insert(client).second;
}

Event PlaySession::Close(const CloseSecureStep& asked) {
  members_ = std::exchange(answered_, {});
  if (asked.step == SecureStep::kMasking) survivors_ = members_.size();
  std::size_t needed = static_cast<std::size_t>(options_.min_updates);
  if (asked.step == SecureStep::kAdvertising && options_.secure) {
    needed = static_cast<std::size_t>(options_.secure->min_cohort);
  } else if (asked.step > SecureStep::kMasking) {
    needed = (survivors_ + 1) / 2;
  }
  if (members_.size() < needed) {
    return SecureAbandoned{
        asked.round, asked.attempt, static_cast<int>(members_.size()),
        "too few clients, " + std::to_string(needed) + " are needed"};
  }
  is_over_ = asked.step == SecureStep::kUnmasking;
  if (!is_over_) {
    step_ = static_cast<SecureStep>(static_cast<int>(asked.step) + 1);
  }
  return SecureStepClosed{asked.round,
                          asked.attempt,
                          asked.step,
                          {members_.begin(), members_.end()}};
}

}  // namespace tributary::round
