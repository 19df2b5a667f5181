// SPDX-License-Identifier: Apache-2.0
// Virtual time: what is to happen at which instant, earliest first; at one
// instant, in the order in which it was asked for. So a simulation is the same
// in every process, and a day of waiting costs nothing.
//
// One thread. What is called may ask for more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "coordinator/round/types.h"

namespace tributary::simulation {

class VirtualTime {
 public:
  round::Instant now() const { return now_; }
  // Calls `action` at `when`, or now if that is past.
  void At(round::Instant when, std::function<void()> action);
  void After(round::Duration delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }
  // Goes to the next instant at which something is to happen and does it. False
  // if there is nothing more to happen.
  bool RunNext();
  std::size_t pending() const { return heap_.size(); }
  // Actions done so far.
  std::uint64_t events() const { return events_; }

 private:
  struct Entry {
    round::Instant when;
    std::uint64_t sequence = 0;
    std::function<void()> action;
  };
  static bool IsLater(const Entry& a, const Entry& b);

  round::Instant now_{};
  std::uint64_t next_sequence_ = 0;
  std::uint64_t events_ = 0;
  std::vector<Entry> heap_;  // the earliest is in front
};

}  // namespace tributary::simulation
