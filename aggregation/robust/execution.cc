// SPDX-License-Identifier: Apache-2.0
#include "aggregation/robust/execution.h"

namespace tributary::robust {

void InOrder(std::size_t count, const std::function<void(std::size_t)>& task) {
  for (std::size_t i = 0; i < count; ++i) task(i);
}

}  // namespace tributary::robust
