// SPDX-License-Identifier: Apache-2.0
// What simulated adversaries know from earlier rounds (simulation/
// adversaries.h): the journal has it with each release, as replaying trains
// nothing. A value.
#pragma once

#include <cstdint>
#include <optional>

namespace tributary::simulation {

struct AdversaryMemory {
  // Whom mimics copy, by number; nothing before they have chosen.
  std::optional<std::uint64_t> copied;
  // Of free riders: the root mean square of what the last release added to a
  // parameter; 0 before the first.
  double step = 0;
  friend bool operator==(const AdversaryMemory&,
                         const AdversaryMemory&) = default;
};

}  // namespace tributary::simulation
