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
// Rounds wait for their cohort (coordinator/round/synchronous_engine.h), or for
// nobody (coordinator/round/asynchronous_engine.h): the options say which.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/round/asynchronous_engine.h"
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
      : engine_(Make(options, key, first_model)) {}
  // From a snapshot made under the same options and key.
  Engine(const Options& options, const Key& key, State state)
      : engine_(Make(options, key, std::move(state))) {}

  // What is to be done about the event. A `now` before the last step's counts
  // as the last step's. Never fails; safe in every phase.
  [[nodiscard]] std::vector<Effect> Step(const Event& event, Instant now) {
    return Get().Step(event, now);
  }

  const State& state() const { return Get().state(); }
  const Options& options() const { return Get().options(); }
  // How many more trainers that were not asked lately would be kept waiting if
  // they checked in now; any more would be turned away.
  std::size_t Room() const { return Get().Room(); }
  // How long no more trainers will be needed, as far as is known.
  Duration Horizon() const { return Get().Horizon(); }

 private:
  using Either = std::variant<SynchronousEngine, AsynchronousEngine>;

  template <typename Begin>
  static Either Make(const Options& options, const Key& key, Begin begin) {
    if (options.asynchronous) {
      return AsynchronousEngine(options, key, std::move(begin));
    }
    return SynchronousEngine(options, key, std::move(begin));
  }
  RunEngine& Get() {
    return std::visit([](auto& engine) -> RunEngine& { return engine; },
                      engine_);
  }
  const RunEngine& Get() const {
    return std::visit(
        [](const auto& engine) -> const RunEngine& { return engine; }, engine_);
  }

  Either engine_;
};

}  // namespace tributary::round
