// SPDX-License-Identifier: Apache-2.0
// Statements of secure aggregation: privacy/crypto/statement.h in a domain of
// their own.
//
//   Statement("agreement").Add(session.AsBytes()).Add(survivors).Hash()
#pragma once

#include <string_view>

#include "privacy/crypto/statement.h"

namespace tributary::secagg {

inline tributary::Statement Statement(std::string_view purpose) {
  return {"tributary/secagg/v1", purpose};
}

}  // namespace tributary::secagg
