// SPDX-License-Identifier: Apache-2.0
// An aggregator's rounds: tasks of its parent's.
#include "coordinator/round/derivation.h"
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

struct EdgeFixture : RoundFixture {
  EdgeFixture() { StartRunWith(Edge()); }
  std::string Phase() const { return std::string(Name(state().phase)); }
};

TEST_CASE_METHOD(EdgeFixture,
                 "an aggregator rests, and clients wait, until it has a task") {
  CHECK(CheckIn({"ann", "bob", "cid"}) == "");
  CHECK(Phase() == "resting");
  CHECK(AdvanceTo(1000s) == "");
  CHECK(WakesAt() == std::nullopt);
  CHECK(TaskIsGiven({.round = 7, .attempt = 2}) ==
        "open round 7.2 from model-6; "
        "offer ann the training of round 7.2 from model-6 by 1040s; "
        "offer bob the training of round 7.2 from model-6 by 1040s; "
        "offer cid the training of round 7.2 from model-6 by 1040s");
}

TEST_CASE_METHOD(EdgeFixture,
                 "it hands up what came, and rests once that counts there") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven({.round = 4, .attempt = 1});
  Return({"ann", "bob"});
  CHECK(Returns("cid", {.weight = 30}) ==
        "accept cid with weight 30; "
        "release round 4.1 of ann bob cid with weight 50 and loss 0.5");
  CHECK(Happens(ModelReleased{4, ModelNamed(3)}) ==
        "commit round 4 as model-3");
  CHECK(Phase() == "resting");
  CHECK(state().round == 4);
  CHECK(state().model == ModelNamed(3));
  // Whoever lost its answer has it now, and rounds go on without end.
  CHECK(Returns("ann") == "acknowledge ann again");
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven({.round = 99, .attempt = 1});
  CHECK(Phase() == "collecting");
}

TEST_CASE_METHOD(EdgeFixture,
                 "leaves have the seeds that the root would give them") {
  ChecksIn("ann");
  CheckIn({"bob", "cid"});
  TaskIsGiven({.round = 4});
  CHECK(TaskOf("ann").seed == TaskSeed(KeyFromSeed(104), ClientId{"ann"}));
  // Also when they come back.
  ChecksIn("ann");
  CHECK(TaskOf("ann").seed == TaskSeed(KeyFromSeed(104), ClientId{"ann"}));
}

TEST_CASE_METHOD(EdgeFixture,
                 "it closes at its share of the time that is left") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven({.time_left = 50s});
  CHECK(WakesAt() == 40s);
  Returns("bob");
  CHECK(AdvanceTo(40s) ==
        "cancel ann too_late; cancel cid too_late; "
        "release round 1.1 of bob with weight 10 and loss 0.5");
}

TEST_CASE_METHOD(EdgeFixture, "its own deadline holds where it is nearer") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven({.time_left = 1000s});
  CHECK(WakesAt() == 60s);
}

TEST_CASE_METHOD(EdgeFixture, "with too few it gives its task up, and rests") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  CHECK(AdvanceTo(40s) ==
        "cancel ann too_late; cancel bob too_late; cancel cid too_late; "
        "abandon round 1.1 with 0 lost: 0 of at least 1 updates at the "
        "deadline");
  CHECK(Phase() == "resting");
  CHECK(WakesAt() == std::nullopt);
  CHECK(Returns("ann") == "refuse ann too_late");
}

TEST_CASE_METHOD(EdgeFixture, "so it does where nobody came") {
  CHECK(TaskIsGiven() == "");
  CHECK(WakesAt() == 40s);
  CHECK(AdvanceTo(40s) ==
        "abandon round 1.1 with 0 lost: 0 of at least 1 clients came");
  CHECK(Phase() == "resting");
}

TEST_CASE_METHOD(EdgeFixture, "a task without time is given up at once") {
  CheckIn({"ann", "bob", "cid"});
  CHECK(TaskIsGiven({.time_left = 0s}) ==
        "abandon round 1.1 with 0 lost: 3 of at least 1 clients came");
}

TEST_CASE_METHOD(EdgeFixture,
                 "a quorum waits for others half its time at most") {
  Options options = Edge();
  options.selection_timeout = 1000s;
  StartRunWith(options);
  ChecksIn("ann");
  TaskIsGiven();
  CHECK(WakesAt() == 20s);
  CHECK(AdvanceTo(20s) ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 40s");
}

TEST_CASE_METHOD(EdgeFixture, "a task again is the task that is in hand") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  Returns("ann");
  const State before = state();
  CHECK(TaskIsGiven() == "");
  CHECK(state() == before);
}

// The aggregator was down, and its clock stood.
TEST_CASE_METHOD(EdgeFixture, "a task again with less time closes earlier") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  Returns("ann");
  CHECK(TaskIsGiven({.time_left = 10s}) == "");
  CHECK(WakesAt() == 8s);
  CHECK(TaskIsGiven({.time_left = 1000s}) == "");
  CHECK(WakesAt() == 8s);
}

TEST_CASE_METHOD(EdgeFixture, "a newer task ends the one in hand") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  Returns("ann");
  CheckIn({"dan", "eli", "fay"});
  CHECK(TaskIsGiven({.round = 1, .attempt = 2}) ==
        "cancel bob too_late; cancel cid too_late; "
        "abandon round 1.1 with 1 lost: the parent went on to round 1.2; "
        "open round 1.2 from model-0; "
        "offer dan the training of round 1.2 from model-0 by 40s; "
        "offer eli the training of round 1.2 from model-0 by 40s; "
        "offer fay the training of round 1.2 from model-0 by 40s");
}

// Its leaves may count through another already.
TEST_CASE_METHOD(EdgeFixture,
                 "a task that was done with is not taken a second time") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven({.round = 3});
  Return({"ann", "bob", "cid"});
  Happens(ModelReleased{3, ModelNamed(2)});
  CheckIn({"ann", "bob", "cid"});
  CHECK(TaskIsGiven({.round = 3}) == "");
  CHECK(TaskIsGiven({.round = 2, .attempt = 5}) == "");
  CHECK(Phase() == "resting");
  CHECK(state().round == 3);
  TaskIsGiven({.round = 3, .attempt = 2});
  CHECK(Phase() == "collecting");
}

TEST_CASE_METHOD(EdgeFixture, "a task that is over there is over here") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  CHECK(TaskIsOver(1, 2) == "");
  Returns("ann");
  CHECK(TaskIsOver(1, 1) ==
        "cancel bob too_late; cancel cid too_late; "
        "abandon round 1.1 with 1 lost: the parent wants it no more");
  CHECK(TaskIsOver(1, 1) == "");
  CHECK(Phase() == "resting");
}

TEST_CASE_METHOD(EdgeFixture, "so it is while its sum goes up") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  Return({"ann", "bob", "cid"});
  CHECK(TaskIsOver(1, 1) ==
        "abandon round 1.1 with 3 lost: the parent wants it no more");
  CHECK(Happens(ModelReleased{1, ModelNamed(0)}) == "");
  CHECK(Returns("ann") == "refuse ann too_late");
}

TEST_CASE_METHOD(EdgeFixture, "a restart goes on in every phase") {
  const auto is_as_before = [this] {
    const std::string phase = Phase();
    CHECK(Restarts() == "");
    return Phase() == phase;
  };
  ChecksIn("ann");
  CHECK(is_as_before());  // resting: ann waits no more
  CHECK(TaskIsGiven() == "");
  CHECK(is_as_before());  // selecting
  CHECK(WakesAt() == 40s);
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  CHECK(is_as_before());  // collecting
  CHECK(ChecksIn("bob") ==
        "offer bob the training of round 1.1 from model-0 by 40s");
  CHECK(TaskOf("bob").seed == TaskSeed(KeyFromSeed(101), ClientId{"bob"}));
  Return({"bob", "cid"});
  CHECK(is_as_before());  // released
  CHECK(Happens(ModelReleased{1, ModelNamed(0)}) ==
        "commit round 1 as model-0");
}

TEST_CASE_METHOD(EdgeFixture, "an aggregator's run ends when it is told to") {
  CheckIn({"ann", "bob", "cid"});
  TaskIsGiven();
  CHECK(Stops() ==
        "cancel ann run_ended; cancel bob run_ended; cancel cid run_ended; "
        "end the run, stopped: ended with the parent's run, or by an operator");
  CHECK(TaskIsGiven({.round = 2}) == "");
  CHECK(TaskIsOver(1, 1) == "");
}

TEST_CASE_METHOD(EdgeFixture, "masked, a lost session gives the task up") {
  Options options = MaskedRounds();
  options.parent = ParentOptions{.deadline_share = 0.8};
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid", "dan"});
  TaskIsGiven();
  ExchangeKeys({"ann", "bob", "cid", "dan"});
  Returns("ann");
  CHECK(Restarts() ==
        "cancel ann abandoned; cancel bob abandoned; cancel cid abandoned; "
        "cancel dan abandoned; abandon round 1.1 with 1 lost: the coordinator "
        "restarted: 1 masked updates cannot be unmasked");
  CHECK(Phase() == "resting");
}

TEST_CASE_METHOD(EdgeFixture, "clips as the parent says for the round") {
  Options options = Edge();
  options.clip_norm = 1.5;
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid"});
  Happens(TaskGiven{.round = 1,
                    .attempt = 1,
                    .model = ModelNamed(0),
                    .round_seed = {},
                    .time_left = 50s,
                    .clip_norm = 0.25});
  CHECK(TaskOf("ann").clip_norm == 0.25);
}

TEST_CASE_METHOD(EdgeFixture, "a root takes no tasks, and never rests") {
  StartRunWith(SmallRounds());
  CHECK(Phase() == "selecting");
  CHECK(TaskIsGiven({.round = 5}) == "");
  CHECK(TaskIsOver(1, 1) == "");
  CHECK(state().round == 1);
  StartRunWith(Buffers());
  CHECK(TaskIsGiven({.round = 5}) == "");
  CHECK(TaskIsOver(1, 1) == "");
}

}  // namespace
}  // namespace tributary::round
