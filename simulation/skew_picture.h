// SPDX-License-Identifier: Apache-2.0
// A partition as a picture: what at most fifty clients hold, label by label,
// and how many clients hold how much. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simulation/skew.h"

namespace tributary::simulation {

// At most `most` of 0 .. count - 1, evenly spread, the first and the last among
// them. most > 1.
std::vector<std::size_t> SampleEvenly(std::size_t count, std::size_t most);

// Clients by how much they hold.
struct SizeBin {
  std::size_t least = 0;  // examples, inclusive
  std::size_t most = 0;   // inclusive
  std::size_t clients = 0;
};
// At most 24 bins without gaps; as wide as each other, or, where the largest
// client holds over a hundred times what the smallest does, wider in the same
// ratio from bin to bin.
std::vector<SizeBin> BinSizes(const Partition& partition);

// A whole SVG file.
std::string DrawSkew(const Skew& skew);

}  // namespace tributary::simulation
