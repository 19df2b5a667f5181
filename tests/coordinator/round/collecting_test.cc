// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

// A round of ann, bob and cid, open until 60 s.
class OpenRoundFixture : public RoundFixture {
 public:
  OpenRoundFixture() { CheckIn({"ann", "bob", "cid"}); }
};

TEST_CASE_METHOD(OpenRoundFixture, "an announced update is granted") {
  CHECK(Announces("ann") == "grant ann");
  CHECK(Announces("ann") == "grant ann");
}

TEST_CASE_METHOD(OpenRoundFixture, "an update that arrives counts") {
  CHECK(Returns("ann") == "accept ann with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a weight over the limit counts as the limit") {
  CHECK(Returns("ann", {.weight = 5000}) == "accept ann with weight 100");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "the round closes with the last update wanted") {
  Returns("bob", {.weight = 30, .train_loss = 1});
  Returns("ann", {.weight = 10, .train_loss = 2});
  CHECK(Returns("cid", {.weight = 300, .train_loss = 3}) ==
        "accept cid with weight 100; release round 1.1 of ann bob cid with "
        "weight 140 and loss 2.5");
  CHECK_FALSE(WakesAt().has_value());
}

TEST_CASE_METHOD(RoundFixture,
                 "who was asked in vain is told when the round closes") {
  Options options = SmallRounds();
  options.over_selection = 1.6;  // asks five
  StartRunWith(options);
  CheckIn({"ann", "bob", "cid", "dan", "eli"});
  Return({"ann", "dan"});
  CHECK(Returns("bob") ==
        "accept bob with weight 10; cancel cid too_late; cancel eli too_late; "
        "release round 1.1 of ann bob dan with weight 30 and loss 0.5");
}

TEST_CASE_METHOD(OpenRoundFixture, "a quorum at the deadline is released") {
  Return({"ann", "cid"});
  CHECK(AdvanceTo(60s) ==
        "cancel bob too_late; release round 1.1 of ann cid with weight 20 and "
        "loss 0.5");
}

TEST_CASE_METHOD(OpenRoundFixture, "too few at the deadline are given up") {
  Returns("ann");
  CHECK(AdvanceTo(60s) ==
        "cancel bob too_late; cancel cid too_late; abandon round 1.1 with 1 "
        "lost: 1 of at least 2 updates at the deadline");
  CHECK(WakesAt() == 65s);
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a round that waits for nobody is released at once") {
  Return({"ann", "bob"});
  CHECK(Fails("cid") ==
        "release round 1.1 of ann bob with weight 20 and loss 0.5");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a round that waits for nobody and lacks its quorum is "
                 "abandoned at once") {
  Returns("ann");
  Fails("bob");
  CHECK(Returns("cid", {.defect = Refusal::kOverBound}) ==
        "refuse cid over_bound; abandon round 1.1 with 1 lost: 1 of at least 2 "
        "updates with nobody left to wait for");
}

TEST_CASE_METHOD(
    OpenRoundFixture,
    "an update after the deadline is refused though no tick came") {
  Return({"ann", "bob"});
  const Event late = UpdateArrived{
      ClientId{"cid"}, TokenOf("cid"), {ModelNamed(0), 10, 0.5}, {}};
  Engine engine(SmallRounds(), KeyFromSeed(7), state());
  CHECK(Text(engine.Step(late, Instant(60s))) ==
        "cancel cid too_late; release round 1.1 of ann bob with weight 20 and "
        "loss 0.5; refuse cid too_late");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "an update just before the deadline counts") {
  AdvanceTo(59'999ms);
  CHECK(Returns("ann") == "accept ann with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "the same update again is acknowledged again") {
  Returns("ann");
  CHECK(Returns("ann") == "acknowledge ann again");
  CHECK(Announces("ann") == "acknowledge ann again");
  CHECK(Refused(Refusal::kDuplicate) == 0);
}

TEST_CASE_METHOD(
    OpenRoundFixture,
    "the same update is recognised though its weight was clipped") {
  Returns("ann", {.weight = 5000});
  CHECK(Returns("ann", {.weight = 5000}) == "acknowledge ann again");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a second, different update is a duplicate") {
  Returns("ann");
  CHECK(Returns("ann", {.weight = 11}) == "refuse ann duplicate");
  CHECK(Announces("ann", {.train_loss = 0.6}) == "refuse ann duplicate");
  CHECK(Returns("ann", {.defect = Refusal::kNotFinite}) ==
        "refuse ann duplicate");
  CHECK(Refused(Refusal::kDuplicate) == 3);
}

TEST_CASE_METHOD(OpenRoundFixture, "who was not asked is not in the cohort") {
  CHECK(Returns("zoe") == "refuse zoe not_in_cohort");
  CHECK(Announces("zoe") == "refuse zoe not_in_cohort");
}

TEST_CASE_METHOD(OpenRoundFixture, "a stolen token is worth nothing") {
  CHECK(Returns("bob", {.token = TokenOf("ann")}) == "refuse bob unknown_task");
  CHECK(Returns("zoe", {.token = TokenOf("ann")}) ==
        "refuse zoe not_in_cohort");
  CHECK(Returns("ann") == "accept ann with weight 10");
  CHECK(Returns("bob", {.token = TokenOf("ann")}) == "refuse bob unknown_task");
  CHECK(Returns("bob") == "accept bob with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture, "an update of another model is stale") {
  CHECK(Announces("ann", {.base_model = ModelNamed(9)}) ==
        "refuse ann stale_model");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "an update of no examples has a bad weight") {
  CHECK(Announces("ann", {.weight = 0}) == "refuse ann bad_weight");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a loss that is not a number is not finite") {
  CHECK(Returns("ann",
                {.train_loss = std::numeric_limits<double>::quiet_NaN()}) ==
        "refuse ann not_finite");
  CHECK(
      Returns("bob", {.train_loss = std::numeric_limits<double>::infinity()}) ==
      "refuse bob not_finite");
}

TEST_CASE_METHOD(OpenRoundFixture, "no finite losses overflow their mean") {
  const double most = std::numeric_limits<double>::max();
  Returns("ann", {.weight = 100, .train_loss = most});
  Returns("bob", {.weight = 100, .train_loss = -most});
  Returns("cid", {.weight = 100, .train_loss = most});
  const auto& release = std::get<ReleaseRound>(effects().back());
  CHECK(std::isfinite(release.train_loss));
}

TEST_CASE_METHOD(OpenRoundFixture, "a refused client keeps its answer") {
  CHECK(Returns("ann", {.defect = Refusal::kWrongSize}) ==
        "refuse ann wrong_size");
  CHECK(Returns("ann") == "refuse ann wrong_size");
  CHECK(Announces("ann") == "refuse ann wrong_size");
  CHECK(Refused(Refusal::kWrongSize) == 3);
}

TEST_CASE_METHOD(OpenRoundFixture, "a task that was given up is gone") {
  CHECK(Fails("ann") == "");
  CHECK(Returns("ann") == "refuse ann unknown_task");
  CHECK(ChecksIn("ann") == "");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a failure with a foreign token is nothing") {
  Happens(TaskFailed{ClientId{"bob"}, TokenOf("ann")});
  CHECK(Returns("bob") == "accept bob with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a client that left keeps its task until the deadline") {
  CHECK(Leaves("ann") == "");
  CHECK(Returns("ann") == "accept ann with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture, "a revoked client's work is void") {
  CHECK(IsRevoked("ann") == "cancel ann revoked");
  CHECK(Returns("ann") == "refuse ann revoked");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "what was counted before a revocation stays") {
  Returns("ann");
  CHECK(IsRevoked("ann") == "");
  Returns("bob");
  CHECK(Fails("cid") ==
        "release round 1.1 of ann bob with weight 20 and loss 0.5");
}

TEST_CASE_METHOD(OpenRoundFixture, "a revocation can settle a round") {
  Return({"ann", "bob"});
  CHECK(IsRevoked("cid") ==
        "cancel cid revoked; release round 1.1 of ann bob with weight 20 and "
        "loss 0.5");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a task that is over is not cancelled again") {
  Return({"ann", "bob"});
  AdvanceTo(60s);
  CHECK(IsRevoked("cid") == "");
  CHECK(Returns("cid") == "refuse cid revoked");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "an update for a round being released is late or known") {
  Return({"ann", "bob"});
  AdvanceTo(60s);
  CHECK(Returns("cid") == "refuse cid too_late");
  CHECK(Returns("ann") == "acknowledge ann again");
  CHECK(Returns("ann", {.weight = 3}) == "refuse ann duplicate");
  CHECK(Returns("zoe") == "refuse zoe not_in_cohort");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "an update for the released round is late or known") {
  Return({"ann", "bob"});
  AdvanceTo(60s);
  ModelIsMade();
  CHECK(Returns("cid") == "refuse cid too_late");
  CHECK(Announces("ann") == "acknowledge ann again");
  CHECK(Returns("zoe") == "refuse zoe unknown_task");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "a client that lost its acknowledgement learns it in the next "
                 "round") {
  const TaskToken of_ann = TokenOf("ann");
  const TaskToken of_cid = TokenOf("cid");
  Return({"ann", "bob"});
  AdvanceTo(60s);
  ModelIsMade();
  CheckIn({"ann", "cid", "dan"});
  CHECK(state().round == 2);
  CHECK(Returns("ann", {.token = of_ann, .base_model = ModelNamed(0)}) ==
        "acknowledge ann again");
  CHECK(Returns("cid", {.token = of_cid, .base_model = ModelNamed(0)}) ==
        "refuse cid too_late");
  CHECK(Returns("ann") == "accept ann with weight 10");
}

TEST_CASE_METHOD(OpenRoundFixture,
                 "updates of an abandoned attempt are late, counted or not") {
  const TaskToken of_ann = TokenOf("ann");
  Returns("ann");
  AdvanceTo(60s);
  CHECK(Returns("ann") == "refuse ann too_late");
  CHECK(Returns("bob") == "refuse bob too_late");
  AdvanceTo(65s);
  CHECK(Returns("bob") == "refuse bob too_late");
  CheckIn({"ann", "bob", "cid"});
  CHECK(Returns("ann", {.token = of_ann}) == "refuse ann too_late");
  CHECK(Returns("ann") == "accept ann with weight 10");
}

TEST_CASE_METHOD(RoundFixture,
                 "an update before any round is of no known task") {
  CHECK(Returns("ann") == "refuse ann unknown_task");
}

// There is no session that it could leave; a snapshot that said so could not be
// read back.
TEST_CASE_METHOD(RoundFixture,
                 "a revoked client whose update counts changes nothing") {
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  const State before = state();
  CHECK(IsRevoked("ann") == "");
  CHECK(state() == before);
}

}  // namespace
}  // namespace tributary::round
