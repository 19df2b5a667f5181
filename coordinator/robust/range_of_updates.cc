// SPDX-License-Identifier: Apache-2.0
#include "coordinator/robust/range_of_updates.h"

#include "aggregation/invariant.h"

namespace tributary::coordinator {

RangeOfUpdates::RangeOfUpdates(robust::Updates& source, std::size_t begin,
                               std::size_t length)
    : source_(source), begin_(begin), length_(length) {
  TRIBUTARY_INVARIANT(begin, <=, source.length());
  TRIBUTARY_INVARIANT(length, <=, source.length() - begin);
}

}  // namespace tributary::coordinator
