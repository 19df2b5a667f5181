// SPDX-License-Identifier: Apache-2.0
// When a client does what of one task, in virtual time, and what it has spent
// by any instant.
//
// Values; pure.
#pragma once

#include <cstdint>

#include "coordinator/round/types.h"
#include "simulation/device.h"
#include "simulation/effort.h"

namespace tributary::simulation {

// [begin, end); never, until it is planned.
struct Span {
  round::Instant begin = round::Instant::max();
  round::Instant end = round::Instant::max();

  // How much of it has passed by then: seconds; 0 .. 1.
  double Seconds(round::Instant until) const;
  double Fraction(round::Instant until) const;
};

struct TaskTimeline {
  Span download;
  Span training;
  Span upload;
  std::uint64_t bytes_down = 0;
  std::uint64_t bytes_up = 0;

  // Plans training from `begin`, and the upload after it: announced, granted,
  // sent.
  void Plan(round::Instant begin, round::Duration training_time,
            std::uint64_t update_bytes, const Device& device);
  // What a task that ends then has cost.
  Spending SpentBy(round::Instant until, const Device& device) const;
};

}  // namespace tributary::simulation
