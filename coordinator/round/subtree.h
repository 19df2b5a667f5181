// SPDX-License-Identifier: Apache-2.0
// What an aggregator says of its subtree's sum when it announces it. A value.
#pragma once

#include <cstdint>

#include "privacy/crypto/digest.h"

namespace tributary::round {

struct Subtree {
  std::uint64_t epoch = 0;
  std::uint32_t leaves = 0;  // how many are in the sum
  std::uint64_t weight = 0;  // theirs together
  Digest names;              // LeafSet::Name
  friend bool operator==(const Subtree&, const Subtree&) = default;
};

}  // namespace tributary::round
