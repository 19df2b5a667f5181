// SPDX-License-Identifier: Apache-2.0
#include <rapidcheck.h>

#include "coordinator/checkpoint/journal.h"
#include "coordinator/checkpoint/snapshot.h"
#include "tests/coordinator/round/effect_text.h"
#include "tests/coordinator/round/random_play.h"

#include "tests/catch.h"

namespace tributary::checkpoint {
namespace {

using round::Engine;
using round::Move;
using round::RandomPlay;

using Moves = std::vector<Move>;

rc::Gen<Moves> AnyMoves() {
  return rc::gen::scale(4, rc::gen::arbitrary<Moves>());
}

TEST_CASE("a state read back is the state") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play(round::AnyOptionsFor(choice), KeyFromSeed(seed));
    for (const Move& move : *AnyMoves()) {
      play.Make(move);
      const std::string bytes = EncodeState(play.engine().state());
      const auto state = DecodeState(bytes);
      RC_ASSERT(state.ok());
      RC_ASSERT(*state == play.engine().state());
      RC_ASSERT(EncodeState(*state) == bytes);
    }
  }));
}

TEST_CASE("a step read back is the step") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play(round::AnyOptionsFor(choice), KeyFromSeed(seed));
    for (const Move& move : *AnyMoves()) play.Make(move);
    for (const auto& [event, now, effects] : play.moments()) {
      const TimedEvent step{event, now};
      const auto read = DecodeStep(EncodeStep(step));
      RC_ASSERT(read.ok());
      RC_ASSERT(*read == step);
    }
  }));
}

// What the coordinator does after a kill: the last snapshot, the journal since,
// and on from there.
TEST_CASE("a snapshot and the journal since go on as if nothing had been") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    const round::Options options = round::AnyOptionsFor(choice);
    const Key key = KeyFromSeed(seed);
    RandomPlay play(options, key);
    for (const Move& move : *AnyMoves()) play.Make(move);
    RC_PRE(!play.moments().empty());

    const auto cut = *rc::gen::inRange<std::size_t>(0, play.moments().size());
    Engine before(options, key, round::ModelNamed(0));
    for (std::size_t i = 0; i < cut; ++i) {
      const auto& moment = play.moments()[i];
      RC_ASSERT(before.Step(moment.event, moment.now) == moment.effects);
    }
    const auto state = DecodeState(EncodeState(before.state()));
    RC_ASSERT(state.ok());
    Engine after(options, key, *state);
    for (std::size_t i = cut; i < play.moments().size(); ++i) {
      const auto& moment = play.moments()[i];
      const auto step = DecodeStep(EncodeStep({moment.event, moment.now}));
      RC_ASSERT(step.ok());
      RC_ASSERT(after.Step(step->event, step->now) == moment.effects);
    }
    RC_ASSERT(after.state() == play.engine().state());
  }));
}

TEST_CASE("refusals have the wire's numbers and names") {
  for (int value = 1; value <= 22; ++value) {
    std::string wire = v1::Refusal_Name(static_cast<v1::Refusal>(value));
    for (char& letter : wire) {
      letter = static_cast<char>(std::tolower(letter));
    }
    CHECK(wire == round::Name(static_cast<round::Refusal>(value)));
  }
  CHECK(v1::Refusal_MAX == 22);
}

}  // namespace
}  // namespace tributary::checkpoint
