// SPDX-License-Identifier: Apache-2.0
// Rounds after one another: commits, back-offs, restarts, ends.
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

class WholeRounds : public RoundFixture {
 public:
  std::string PlayRound() {
    CheckIn({"ann", "bob", "cid"});
    Return({"ann", "bob", "cid"});
    return ModelIsMade();
  }
};

TEST_CASE_METHOD(WholeRounds, "the released model is the next round's") {
  CHECK(PlayRound() == "commit round 1 as model-1");
  CHECK(state().round == 2);
  CHECK(state().model == ModelNamed(1));
  CheckIn({"ann", "bob"});
  CHECK(ChecksIn("cid").starts_with("open round 2.1 from model-1"));
}

TEST_CASE_METHOD(WholeRounds, "the run is finished after its last round") {
  PlayRound();
  PlayRound();
  CHECK(PlayRound() ==
        "commit round 3 as model-3; end the run, finished: all 3 rounds are "
        "released");
  CHECK(Name(state().phase) == "ended");
}

TEST_CASE_METHOD(WholeRounds, "a model of another round is not taken") {
  CheckIn({"ann", "bob", "cid"});
  CHECK(ModelIsMade() == "");
  Return({"ann", "bob", "cid"});
  CHECK(Happens(ModelReleased{2, ModelNamed(2)}) == "");
  CHECK(ModelIsMade() == "commit round 1 as model-1");
  CHECK(Happens(ModelReleased{1, ModelNamed(1)}) == "");
}

TEST_CASE_METHOD(RoundFixture, "the pause doubles with each attempt") {
  Options options = SmallRounds();
  options.max_attempts = 20;
  StartRunWith(options);
  Duration now = 0s;
  for (int attempt = 1; attempt <= 10; ++attempt) {
    CheckIn({"ann", "bob", "cid"});
    CHECK(state().attempt == attempt);
    CHECK(Name(state().phase) == "collecting");
    now += 60s;
    AdvanceTo(now);
    const int doublings = attempt - 1 < 6 ? attempt - 1 : 6;
    CHECK(WakesAt() == now + 5s * (1 << doublings));
    now = *WakesAt();
    AdvanceTo(now);
    CHECK(Name(state().phase) == "selecting");
  }
}

TEST_CASE_METHOD(RoundFixture,
                 "a run fails after its last attempt of a round") {
  CheckIn({"ann", "bob", "cid"});
  AdvanceTo(60s);
  AdvanceTo(65s);
  CheckIn({"ann", "bob", "cid"});
  AdvanceTo(200s);
  AdvanceTo(210s);
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  CHECK(AdvanceTo(300s) ==
        "cancel bob too_late; cancel cid too_late; abandon round 1.3 with 1 "
        "lost: 1 of at least 2 updates at the deadline; end the run, failed: "
        "round 1 was abandoned 3 times, the last time with 1 of at least 2 "
        "updates at the deadline");
}

TEST_CASE_METHOD(WholeRounds, "attempts are counted for each round anew") {
  CheckIn({"ann", "bob", "cid"});
  AdvanceTo(60s);
  AdvanceTo(65s);
  PlayRound();
  CHECK(state().round == 2);
  CHECK(state().attempt == 1);
}

TEST_CASE_METHOD(RoundFixture,
                 "a restart forgets who waits and keeps the tasks") {
  CheckIn({"ann", "bob", "cid", "dan", "eli"});
  Returns("ann");
  CHECK(Restarts() == "");
  CHECK(state().waiting.empty());
  CHECK(WakesAt() == 60s);
  CHECK(ChecksIn("bob") ==
        "offer bob the training of round 1.1 from model-0 by 60s");
  CHECK(Returns("ann") == "acknowledge ann again");
  Returns("bob");
  CHECK(Returns("cid") ==
        "accept cid with weight 10; release round 1.1 of ann bob cid with "
        "weight 30 and loss 0.5");
}

TEST_CASE_METHOD(RoundFixture,
                 "a restart while selecting starts the wait anew") {
  CheckIn({"ann", "bob"});
  CHECK(WakesAt() == 10s);
  Restarts();
  CHECK_FALSE(WakesAt().has_value());
}

TEST_CASE_METHOD(RoundFixture, "a stop cancels what is out") {
  CheckIn({"ann", "bob", "cid"});
  Returns("bob");
  CHECK(Stops() ==
        "cancel ann run_ended; cancel cid run_ended; end the run, stopped: "
        "stopped by an operator");
  CHECK(Stops() == "");
}

TEST_CASE_METHOD(RoundFixture, "nothing moves an ended run") {
  CheckIn({"ann", "bob", "cid"});
  Returns("bob");
  Stops();
  CHECK(Returns("ann") == "refuse ann run_ended");
  CHECK(Announces("zoe") == "refuse zoe run_ended");
  CHECK(ChecksIn("ann") == "");
  CHECK(EvaluatorChecksIn("eve") == "");
  CHECK(Fails("ann") == "");
  CHECK(ModelIsMade() == "");
  CHECK(IsRevoked("bob") == "");
  CHECK(Restarts() == "");
  CHECK(AdvanceTo(24h) == "");
  CHECK_FALSE(WakesAt().has_value());
}

TEST_CASE_METHOD(WholeRounds,
                 "who lost its acknowledgement learns it after the end too") {
  PlayRound();
  PlayRound();
  PlayRound();
  CHECK(Returns("ann") == "acknowledge ann again");
}

TEST_CASE_METHOD(RoundFixture, "time does not run backwards") {
  AdvanceTo(30s);
  Engine engine(SmallRounds(), KeyFromSeed(7), state());
  for (const char* name : {"ann", "bob", "cid"}) {
    (void)engine.Step(round::CheckIn{ClientId{name}, Role::kTrainer},
                      Instant(10s));
  }
  CHECK(engine.state().now == Instant(30s));
  CHECK(std::get<Collecting>(engine.state().phase).deadline == Instant(90s));
}

TEST_CASE_METHOD(RoundFixture, "a long pause fires what is due, in order") {
  CheckIn({"ann", "bob"});
  CHECK(AdvanceTo(1h) ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 3660s; "
        "offer bob the training of round 1.1 from model-0 by 3660s");
}

TEST_CASE_METHOD(RoundFixture,
                 "rounds may open and be retried without a pause") {
  Options options = SmallRounds();
  options.retry_backoff = 0s;
  options.selection_timeout = 0s;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid", "dan"});
  CHECK(TaskOf("bob").deadline == Instant(60s));
  CHECK(AdvanceTo(60s) ==
        "cancel ann too_late; cancel bob too_late; abandon round 1.1 with 0 "
        "lost: 0 of at least 2 updates at the deadline; "
        "open round 1.2 from model-0; "
        "offer cid the training of round 1.2 from model-0 by 120s; "
        "offer dan the training of round 1.2 from model-0 by 120s");
}

}  // namespace
}  // namespace tributary::round
