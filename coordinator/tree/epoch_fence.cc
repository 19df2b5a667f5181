// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tree/epoch_fence.h"

#include "aggregation/invariant.h"

namespace tributary::coordinator {

EpochFence::EpochFence(AggregatorSession used, AggregatorSession offered)
    : used_(used), offered_(offered) {
  TRIBUTARY_INVARIANT(used_.session, <=, offered_.session);
  TRIBUTARY_INVARIANT(used_.epoch, <=, used_.session);
  TRIBUTARY_INVARIANT(offered_.epoch, <=, offered_.session);
}

AggregatorSession EpochFence::Join(std::uint64_t stored) {
  const std::uint64_t session = offered_.session + 1;
  // The welcome before may have been lost, or stored and not used yet.
  std::uint64_t epoch = session;
  if (stored != 0 && stored == offered_.session) {
    epoch = offered_.epoch;
  } else if (stored != 0 && stored == used_.session) {
    epoch = used_.epoch;
  }
  offered_ = {.session = session, .epoch = epoch};
  return offered_;
}

bool EpochFence::Use(std::uint64_t session) {
  if (session == 0 || session != offered_.session) return false;
  used_ = offered_;
  return true;
}

}  // namespace tributary::coordinator
