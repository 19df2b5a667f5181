// SPDX-License-Identifier: Apache-2.0
// When the clients of a simulation can be reached. Whether a client is on at an
// instant is a function of the run's key, the client and the instant: nothing
// is stored for a client, and no events are made for those that are idle.
//
//   always  on
//   markov  on and off by turns for Exp(mean_on) and Exp(mean_off). Drawn as
//           its uniformization: at the points of a Poisson process of rate
//           1/mean_on + 1/mean_off the client is on with probability
//           mean_on / (mean_on + mean_off), whatever it was before. The points
//           within a cell of time come from a stream of the client and the
//           cell.
//   daily   on from phase to phase + on each day, phase uniform in [0, spread)
//   trace   as a file says; client i follows trace i modulo their number
//
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

// Spells [from, to) in which a client is on, sorted, apart from each other.
using Trace = std::vector<std::pair<round::Duration, round::Duration>>;

// Reads lines "trace,from,to" after that header, in whole seconds, in any
// order; traces are named by anything and numbered in the order of their first
// lines. InvalidArgument, naming the file and the row, for anything else:
// columns, numbers, a spell that ends before it begins or meets another.
absl::StatusOr<std::vector<Trace>> ParseTraces(std::string_view text,
                                               const std::string& file);

class Availability {
 public:
  // `plan` has its defaults. Reads the trace file if there is one. Errors name
  // the key or the file and the row.
  static absl::StatusOr<Availability> Make(const v1::Availability& plan,
                                           const Key& run_key);

  bool IsOn(std::size_t client, round::Instant when) const;
  // When a client that is on at `when` will be off: later than `when`; nothing
  // if never.
  std::optional<round::Instant> OffAt(std::size_t client,
                                      round::Instant when) const;

 private:
  Availability(const v1::Availability& plan, const Key& run_key,
               std::vector<Trace> traces, round::Duration period);

  // A point of the Poisson process.
  struct Draw {
    round::Instant when;
    bool is_on = false;
  };
  // Those in a cell, in order.
  std::vector<Draw> DrawsIn(std::size_t client, std::int64_t cell) const;
  std::int64_t CellOf(round::Instant when) const;
  // How long after the client's phase this is, within a day.
  round::Duration IntoDay(std::size_t client, round::Instant when) const;
  const Trace& TraceOf(std::size_t client) const;

  v1::Availability plan_;
  Key key_;
  std::vector<Trace> traces_;
  round::Duration period_{};  // of traces
  round::Duration on_{};
  round::Duration off_{};
  round::Duration cell_{};
};

}  // namespace tributary::simulation
