// SPDX-License-Identifier: Apache-2.0
// When which client of a population asks for work. Told to come back by pace
// steering, the clients come round in passes: in each pass every client once,
// evenly spaced over it, in an order drawn anew.
//
//   pass k is a uniform permutation of the n clients; the p-th of it checks in
//   at began + floor(p length / n)
//
// The order is drawn lazily, one step of a Fisher-Yates shuffle for each client
// that is asked for; those that are passed over stay unknown. So a pass costs
// what was asked of it, not its n, in time and in memory.
//
// One thread. The same key and calls give the same clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"

namespace tributary::simulation {

class CheckIns {
 public:
  struct CheckIn {
    round::Instant when;
    std::size_t client = 0;
  };

  // The first pass of these clients (at least one) begins at zero and takes
  // `first`.
  CheckIns(std::size_t clients, const Key& key, round::Duration first);

  // The next check-in at or after `now`, which does not go back. Those before
  // it that were not asked for were turned away. If a new pass begins, it takes
  // `length`.
  CheckIn Next(round::Instant now, round::Duration length);

 private:
  void BeginPass(round::Instant when, round::Duration length);
  // A client that was not drawn in this pass yet.
  std::size_t Draw();

  const std::size_t clients_;
  const Key key_;
  std::uint64_t pass_ = 0;
  round::Instant began_{};
  round::Duration length_;
  std::size_t position_ = 0;  // the next in the pass
  std::size_t drawn_ = 0;
  KeyedStream order_;
  // The shuffled list, where it is not the identity.
  std::unordered_map<std::size_t, std::size_t> moved_;
};

}  // namespace tributary::simulation
