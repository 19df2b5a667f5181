// SPDX-License-Identifier: Apache-2.0
// What holds in every run, whatever happens in which order.
#include <rapidcheck.h>

#include "tests/coordinator/round/effect_text.h"
#include "tests/coordinator/round/random_play.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

using Moves = std::vector<Move>;

// Longer than rapidcheck's own vectors: a round takes a dozen moves.
rc::Gen<Moves> AnyMoves() {
  return rc::gen::scale(4, rc::gen::arbitrary<Moves>());
}

TEST_CASE("random options are valid") {
  CHECK(rc::check([](std::uint32_t choice) {
    RC_ASSERT(OptionsFor(choice).Validate().ok());
  }));
}

// The referee's rules: accepted never exceeds the cohort, no token counts
// twice, what is released is what was accepted, nobody outside a cohort is
// granted or accepted, nothing follows the end. Of masked rounds: each step of
// an attempt is closed once and in order, what is released is what survived and
// never somebody that was dropped, and a session that is lost, by a restart at
// any instant too, is an attempt abandoned with its count. No round is opened
// that the budget does not pay for. In trees: each leaf counts once or not at
// all, an overlap names exactly those that count, a release has its least
// leaves; an aggregator opens what its parent asked for and nothing else, and
// has one task in hand.
TEST_CASE("no sequence of events breaks a promise") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play(OptionsFor(choice), KeyFromSeed(seed));
    for (const Move& move : *AnyMoves()) {
      play.Make(move);
      RC_ASSERT(play.complaint() == "");
    }
  }));
}

TEST_CASE("from every state a run of willing clients ends") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play(OptionsFor(choice), KeyFromSeed(seed));
    for (const Move& move : *AnyMoves()) play.Make(move);
    RC_ASSERT(play.ReachesItsEnd());
    RC_ASSERT(play.complaint() == "");
  }));
}

TEST_CASE("willing clients release every round") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    Options options = OptionsFor(choice);
    options.stop_metric.clear();
    options.stop_target.reset();
    options.max_debits.reset();
    // A draw may be too small, again and again.
    if (options.sampling == Sampling::kPoisson) {
      options.sampling = Sampling::kFixedSize;
    }
    RandomPlay play(options, KeyFromSeed(seed));
    RC_ASSERT(play.ReachesItsEnd());
    RC_ASSERT(play.referee().released() == options.rounds);
    RC_ASSERT(play.referee().opened() ==
              play.referee().released() + play.referee().abandoned());
    RC_ASSERT(play.complaint() == "");
  }));
}

TEST_CASE("the same events at the same instants have the same effects") {
  CHECK(rc::check([](std::uint32_t choice, std::uint64_t seed) {
    RandomPlay play(OptionsFor(choice), KeyFromSeed(seed));
    for (const Move& move : *AnyMoves()) play.Make(move);
    Engine again(OptionsFor(choice), KeyFromSeed(seed), ModelNamed(0));
    for (const auto& [event, now, effects] : play.moments()) {
      RC_ASSERT(again.Step(event, now) == effects);
    }
    RC_ASSERT(again.state() == play.engine().state());
  }));
}

// A property over plays that never get anywhere would hold for nothing.
TEST_CASE("random plays reach every phase and every refusal of the engine") {
  std::set<std::string_view> phases;
  std::set<Refusal> refusals;
  std::set<std::string> quarantines;
  KeyedStream random(KeyFromSeed(11));
  for (int run = 0; run < 1600; ++run) {
    RandomPlay play(OptionsFor(static_cast<std::uint32_t>(random.Word())),
                    KeyFromSeed(run));
    for (int i = 0; i < 300; ++i) {
      Move move;
      random.Fill(move);
      play.Make(move);
      phases.insert(Name(play.engine().state().phase));
    }
    for (const auto& [reason, count] : play.engine().state().refusals) {
      refusals.insert(reason);
    }
    for (const auto& moment : play.moments()) {
      for (const Effect& effect : moment.effects) {
        const auto* put = std::get_if<QuarantineClient>(&effect);
        if (put != nullptr) quarantines.insert(put->reason);
      }
    }
    CHECK(play.complaint() == "");
  }
  CHECK(phases.size() == 9);
  for (const char* reason :
       {"outlier", "over_bound", "bad_protocol", "bad_weight"}) {
    INFO(reason);
    CHECK(quarantines.contains(reason));
  }
  for (const Refusal reason :
       {Refusal::kTooLate, Refusal::kDuplicate, Refusal::kNotInCohort,
        Refusal::kUnknownTask, Refusal::kStaleModel, Refusal::kNotFinite,
        Refusal::kOverBound, Refusal::kBadWeight, Refusal::kRevoked,
        Refusal::kWrongRole, Refusal::kRunEnded, Refusal::kBadProtocol,
        Refusal::kOverlap, Refusal::kEpochOver, Refusal::kBadMessage}) {
    INFO(Name(reason));
    CHECK(refusals.contains(reason));
  }
}

}  // namespace
}  // namespace tributary::round
