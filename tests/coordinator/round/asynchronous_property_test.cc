// SPDX-License-Identifier: Apache-2.0
// What holds in every run of asynchronous rounds, whatever happens in which
// order.
#include <rapidcheck.h>

#include "tests/coordinator/round/effect_text.h"
#include "tests/coordinator/round/random_play.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

using Moves = std::vector<Move>;

rc::Gen<Moves> AnyMoves() {
  return rc::gen::scale(4, rc::gen::arbitrary<Moves>());
}

RandomPlay PlayOf(std::uint32_t choice, std::uint64_t seed) {
  return RandomPlay(AsynchronousOptionsFor(choice), KeyFromSeed(seed));
}

TEST_CASE("random options of asynchronous rounds are valid") {
  CHECK(rc::check([](std::uint32_t choice) {
    RC_ASSERT(AsynchronousOptionsFor(choice).Validate().ok());
  }));
}

// The referee's rules: no token counts twice and no client twice in a model, a
// model is cohort_size updates and no more, each weighs what its staleness
// says and none is too stale, a task is from the latest model and ends once.
TEST_CASE("no sequence of events breaks a promise of asynchronous rounds") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play = PlayOf(choice, seed);
    for (const Move& move : *AnyMoves()) {
      play.Make(move);
      RC_ASSERT(play.complaint() == "");
    }
  }));
}

TEST_CASE("from every state asynchronous rounds of willing clients end") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play = PlayOf(choice, seed);
    for (const Move& move : *AnyMoves()) play.Make(move);
    RC_ASSERT(play.ReachesItsEnd());
    RC_ASSERT(play.complaint() == "");
  }));
}

TEST_CASE("the same events have the same effects in asynchronous rounds") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play = PlayOf(choice, seed);
    for (const Move& move : *AnyMoves()) play.Make(move);
    const Options options = AsynchronousOptionsFor(choice);
    Engine again(options, KeyFromSeed(seed), ModelNamed(0));
    for (const auto& [event, now, effects] : play.moments()) {
      // As after a kill: from nothing but the state.
      Engine resumed(options, KeyFromSeed(seed), again.state());
      RC_ASSERT(again.Step(event, now) == effects);
      RC_ASSERT(resumed.Step(event, now) == effects);
      RC_ASSERT(resumed.state() == again.state());
    }
    RC_ASSERT(again.state() == play.engine().state());
  }));
}

// A property over plays that never get anywhere would hold for nothing.
TEST_CASE("random plays of asynchronous rounds reach every phase") {
  std::set<std::string_view> phases;
  std::set<Refusal> refusals;
  int released = 0;
  bool has_kept = false;
  KeyedStream random(KeyFromSeed(12));
  for (int run = 0; run < 400; ++run) {
    RandomPlay play = PlayOf(static_cast<std::uint32_t>(random.Word()), run);
    for (int i = 0; i < 200; ++i) {
      Move move;
      random.Fill(move);
      play.Make(move);
      phases.insert(Name(play.engine().state().phase));
      for (const auto& [client, task] : play.engine().state().open_tasks) {
        has_kept = has_kept || task.arrived;
      }
    }
    released += play.buffer_referee().released();
    for (const auto& [reason, count] : play.engine().state().refusals) {
      refusals.insert(reason);
    }
    CHECK(play.complaint() == "");
  }
  CHECK(phases == std::set<std::string_view>{"selecting", "buffering",
                                             "released", "finishing", "ended"});
  CHECK(has_kept);
  CHECK(released > 400);
  for (const Refusal reason :
       {Refusal::kTooLate, Refusal::kDuplicate, Refusal::kUnknownTask,
        Refusal::kStaleModel, Refusal::kNotFinite, Refusal::kOverBound,
        Refusal::kBadWeight, Refusal::kRevoked, Refusal::kWrongRole,
        Refusal::kRunEnded}) {
    INFO(Name(reason));
    CHECK(refusals.contains(reason));
  }
}

}  // namespace
}  // namespace tributary::round
