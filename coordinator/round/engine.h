// SPDX-License-Identifier: Apache-2.0
// The round engine: one run's rounds as a pure state machine.
//
//   std::vector<Effect> effects = engine.Step(event, now);
//
// No clock, thread, socket or disk inside: the same events at the same instants
// give the same effects in every process. Time is applied before the event, so
// an update that comes after the deadline is late even if no tick came first. A
// client that misbehaves is data (Refuse), never an error of ours. State is
// iterated in sorted order only.
//
// Rounds wait for their cohort (coordinator/round/synchronous_engine.h).
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/event.h"
#include "coordinator/round/options.h"
#include "coordinator/round/state.h"
#include "coordinator/round/synchronous_engine.h"
#include "coordinator/round/types.h"

namespace tributary::round {

class Engine {
 public:
  // `key` is the run's: cohorts, tokens and task seeds come from it. `options`
  // are valid.
  Engine(const Options& options, const Key& key, const ModelId& first_model)
      : engine_(options, key, first_model) {}
  // From a snapshot made under the same options and key.
  Engine(const Options& options, const Key& key, State state)
      : engine_(options, key, std::move(state)) {}

  // What is to be done about the event. A `now` before the last step's counts
  // as the last step's. Never fails; safe in every phase.
  [[nodiscard]] std::vector<Effect> Step(const Event& event, Instant now) {
    return engine_.Step(event, now);
  }

  const State& state() const { return engine_.state(); }
  const Options& options() const { return engine_.options(); }
  // How many more trainers that were not asked lately would be kept waiting if
  // they checked in now; any more would be turned away.
  std::size_t Room() const { return engine_.Room(); }
  // How long no more trainers will be needed, as far as is known.
  Duration Horizon() const { return engine_.Horizon(); }

 private:
  SynchronousEngine engine_;
};

}  // namespace tributary::round
