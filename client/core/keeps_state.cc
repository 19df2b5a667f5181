// SPDX-License-Identifier: Apache-2.0
#include "client/core/keeps_state.h"

#include "aggregation/encoding.h"
#include "proto/codec/plan.h"

namespace tributary {

bool KeepsClientState(const v1::UpdatePlan& update,
                      const v1::StrategyPlan& strategy) {
  using aggregation::Encoding;
  const Encoding encoding = codec::ToEncoding(update).encoding;
  if (encoding == Encoding::kInt8 || encoding == Encoding::kTopK) return true;
  if (update.momentum() != 0) return true;
  switch (strategy.kind_case()) {
    case v1::StrategyPlan::kScaffold:
    case v1::StrategyPlan::kFeddyn:
    case v1::StrategyPlan::kFedper:
    case v1::StrategyPlan::kFedrep:
    case v1::StrategyPlan::kDitto:
      return true;
    case v1::StrategyPlan::kFednova:
    case v1::StrategyPlan::kQfedavg:
    case v1::StrategyPlan::KIND_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace tributary
