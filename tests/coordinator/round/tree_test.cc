// SPDX-License-Identifier: Apache-2.0
// A node that asks aggregators: who is drawn, and whose leaves count.
#include "coordinator/round/derivation.h"
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

struct TreeFixture : RoundFixture {
  TreeFixture() { StartRunWith(Tree()); }
  // Two aggregators are asked.
  void OpenWithTwo() {
    AggregatorChecksIn("edge-1");
    AggregatorChecksIn("edge-2");
  }
};

TEST_CASE_METHOD(TreeFixture, "an aggregator waits for its leaves") {
  CHECK(AggregatorChecksIn("edge-1") == "");
  CHECK(AggregatorChecksIn("edge-1") == "");
  CHECK(AggregatorChecksIn("edge-2") ==
        "open round 1.1 from model-0; "
        "offer edge-1 the sum of round 1.1 from model-0 by 60s; "
        "offer edge-2 the sum of round 1.1 from model-0 by 60s");
  CHECK(TaskOf("edge-1").role == Role::kAggregator);
  CHECK(TaskOf("edge-1").seed == RoundSeed(KeyFromSeed(7), 1));
}

TEST_CASE_METHOD(TreeFixture, "clients by themselves fill up what is missing") {
  CheckIn({"ann", "bob"});
  CHECK(AggregatorChecksIn("edge-2") ==
        "open round 1.1 from model-0; "
        "offer edge-2 the sum of round 1.1 from model-0 by 60s; "
        "offer ann the training of round 1.1 from model-0 by 60s; "
        "offer bob the training of round 1.1 from model-0 by 60s");
  CHECK(TaskOf("ann").seed ==
        TaskSeed(RoundSeed(KeyFromSeed(7), 1), ClientId{"ann"}));
}

TEST_CASE_METHOD(TreeFixture, "aggregators are drawn before clients") {
  ChecksIn("ann");
  OpenWithTwo();
  CHECK(state().waiting == std::set<ClientId>{ClientId{"ann"}});
  CHECK(Returns("edge-2", {.leaves = {"b1", "b2"}}) ==
        "accept edge-2 with weight 20");
}

TEST_CASE_METHOD(TreeFixture, "what is asked beside them counts for each") {
  Options options = Tree();
  options.over_selection = 1.5;  // asks 6: 3 through each
  StartRunWith(options);
  CheckIn({"ann", "bob"});
  CHECK(AggregatorChecksIn("edge-1") == "");
  CHECK(ChecksIn("cid") != "");
  CHECK(TaskOf("cid").role == Role::kTrainer);
}

TEST_CASE_METHOD(TreeFixture, "no more aggregators are asked than may be") {
  Options options = Tree();
  options.cohort_size = 6;
  StartRunWith(options);
  for (const char* name : {"edge-1", "edge-2", "edge-3"}) {
    CHECK(AggregatorChecksIn(name) == "");
  }
  // A quorum of three leaves waits.
  AdvanceTo(10s);
  int asked = 0;
  for (const Effect& effect : effects()) {
    if (std::holds_alternative<OfferTask>(effect)) ++asked;
  }
  CHECK(asked == 2);
  CHECK(state().aggregators.size() == 1);
}

TEST_CASE_METHOD(TreeFixture,
                 "where leaves are masked nobody comes by itself") {
  Options options = Tree();
  options.packed = true;
  options.tree->takes_trainers = false;
  StartRunWith(options);
  CHECK(ChecksIn("ann").starts_with("turn ann away"));
}

TEST_CASE_METHOD(TreeFixture, "aggregators are not for rounds without a tree") {
  for (const Options& options : {SmallRounds(), Buffers()}) {
    StartRunWith(options);
    CHECK(AggregatorChecksIn("edge-1").starts_with("turn edge-1 away"));
  }
}

TEST_CASE_METHOD(TreeFixture, "who leaves or is revoked waits no more") {
  AggregatorChecksIn("edge-1");
  Leaves("edge-1");
  AggregatorChecksIn("edge-2");
  IsRevoked("edge-2");
  CHECK(state().aggregators.empty());
  AggregatorChecksIn("edge-1");
  CHECK(Restarts() == "");
  CHECK(state().aggregators.empty());
}

TEST_CASE_METHOD(TreeFixture, "leaves are what a round wants") {
  OpenWithTwo();
  CHECK(Announces("edge-1", {.leaves = {"a1", "a2"}}) == "grant edge-1");
  CHECK(Returns("edge-1", {.weight = 150, .leaves = {"a1", "a2"}}) ==
        "accept edge-1 with weight 150");
  CHECK(Returns("edge-2", {.leaves = {"b1", "b2"}}) ==
        "accept edge-2 with weight 20; release round 1.1 of edge-1 edge-2, 4 "
        "leaves, with weight 170 and loss 0.5");
  CHECK(ModelIsMade() == "commit round 1 as model-1");
  CHECK(Returns("edge-1", {.weight = 150, .leaves = {"a1", "a2"}}) ==
        "acknowledge edge-1 again");
}

TEST_CASE_METHOD(TreeFixture, "too few leaves are no round") {
  OpenWithTwo();
  Returns("edge-1", {.leaves = {"a1", "a2"}});
  CHECK(AdvanceTo(60s) ==
        "cancel edge-2 too_late; abandon round 1.1 with 2 lost: 2 of at least "
        "3 leaves at the deadline");
}

TEST_CASE_METHOD(TreeFixture,
                 "a leaf that counts through another is named, and taken out") {
  OpenWithTwo();
  Returns("edge-1", {.leaves = {"a1", "a2", "x"}});
  CHECK(Returns("edge-2", {.leaves = {"a2", "b1", "x"}}) ==
        "refuse edge-2 overlap a2 x");
  CHECK(Refused(Refusal::kOverlap) == 1);
  // Its task stands, also after a restart.
  Restarts();
  CHECK(Announces("edge-2", {.leaves = {"b1"}}) == "grant edge-2");
  CHECK(Returns("edge-2", {.leaves = {"b1"}}) ==
        "accept edge-2 with weight 10; release round 1.1 of edge-1 edge-2, 4 "
        "leaves, with weight 40 and loss 0.5");
}

TEST_CASE_METHOD(TreeFixture, "a client whose leaf counts is not added twice") {
  CheckIn({"ann", "bob"});
  AggregatorChecksIn("edge-1");
  Returns("edge-1", {.leaves = {"ann", "a1"}});
  CHECK(Announces("ann") == "refuse ann duplicate");
  CHECK(Returns("ann") == "refuse ann duplicate");
  CHECK(Returns("bob") ==
        "accept bob with weight 10; release round 1.1 of bob edge-1, 3 leaves, "
        "with weight 30 and loss 0.5");
}

TEST_CASE_METHOD(TreeFixture, "a client that counts is in nobody's sum") {
  CheckIn({"ann", "bob"});
  AggregatorChecksIn("edge-1");
  Returns("ann");
  CHECK(Returns("edge-1", {.leaves = {"a1", "ann"}}) ==
        "refuse edge-1 overlap ann");
}

TEST_CASE_METHOD(TreeFixture, "a sum again is acknowledged, another is not") {
  OpenWithTwo();
  Returns("edge-1", {.leaves = {"a1", "a2"}});
  CHECK(Announces("edge-1", {.leaves = {"a1", "a2"}}) ==
        "acknowledge edge-1 again");
  CHECK(Returns("edge-1", {.leaves = {"a1", "a2"}}) ==
        "acknowledge edge-1 again");
  CHECK(Announces("edge-1", {.leaves = {"a1", "a3"}}) ==
        "refuse edge-1 duplicate");
  CHECK(Returns("edge-1", {.leaves = {"a1", "a2"}, .epoch = 2}) ==
        "refuse edge-1 duplicate");
}

TEST_CASE_METHOD(TreeFixture, "sums come from aggregators, updates do not") {
  CheckIn({"ann", "bob"});
  AggregatorChecksIn("edge-1");
  CHECK(Announces("ann", {.leaves = {"a1"}}) == "refuse ann wrong_role");
  CHECK(Announces("edge-1") == "refuse edge-1 bad_message");
}

TEST_CASE_METHOD(TreeFixture,
                 "an aggregator and a client of its name are two") {
  OpenWithTwo();
  // It is not offered the aggregator's task.
  CHECK(ChecksIn("edge-1") == "");
  CHECK(AggregatorChecksIn("edge-1") ==
        "offer edge-1 the sum of round 1.1 from model-0 by 60s");
}

TEST_CASE_METHOD(TreeFixture, "weights that no leaves can have are refused") {
  const auto announced = [this](const Sent& sent) {
    StartRunWith(Tree());
    OpenWithTwo();
    return Announces("edge-1", sent);
  };
  CHECK(announced({.weight = 200, .leaves = {"a1", "a2"}}) == "grant edge-1");
  CHECK(announced({.weight = 201, .leaves = {"a1", "a2"}}) ==
        "refuse edge-1 bad_weight");
  CHECK(announced({.weight = 2, .leaves = {"a1", "a2"}}) == "grant edge-1");
  CHECK(announced({.weight = 1, .leaves = {"a1", "a2"}}) ==
        "refuse edge-1 bad_weight");
}

TEST_CASE_METHOD(TreeFixture, "a sum says what its announcement says") {
  OpenWithTwo();
  Contribution said{.base_model = ModelNamed(0),
                    .weight = 20,
                    .train_loss = 0.5,
                    .subtree = Subtree{.epoch = 1,
                                       .leaves = 2,
                                       .weight = 20,
                                       .names = SetOf({"a1", "a2"}).Name()}};
  SECTION("other names") {
    CHECK(Happens(UpdateArrived{ClientId{"edge-1"}, TokenOf("edge-1"), said,
                                Refusal::kNone, SetOf({"a1", "a3"})}) ==
          "refuse edge-1 bad_message");
  }
  SECTION("another number of them") {
    CHECK(Happens(UpdateArrived{ClientId{"edge-1"}, TokenOf("edge-1"), said,
                                Refusal::kNone, SetOf({"a1"})}) ==
          "refuse edge-1 bad_message");
  }
  SECTION("another weight") {
    said.weight = 19;
    CHECK(Happens(UpdateAnnounced{ClientId{"edge-1"}, TokenOf("edge-1"),
                                  said}) == "refuse edge-1 bad_message");
  }
  SECTION("nobody") {
    said.subtree->leaves = 0;
    CHECK(Happens(UpdateAnnounced{ClientId{"edge-1"}, TokenOf("edge-1"),
                                  said}) == "refuse edge-1 bad_weight");
  }
}

TEST_CASE_METHOD(TreeFixture, "packed, each leaf weighs one and says no loss") {
  Options options = Tree();
  options.packed = true;
  StartRunWith(options);
  OpenWithTwo();
  CHECK(Announces("edge-1", {.leaves = {"a1", "a2"}}) == "grant edge-1");
  CHECK(Announces("edge-1", {.weight = 3, .leaves = {"a1", "a2"}}) ==
        "refuse edge-1 bad_weight");
  CHECK(Announces("edge-2", {.train_loss = 0.5, .leaves = {"a1", "a2"}})
            .starts_with("refuse edge-2 bad_message"));
}

TEST_CASE_METHOD(TreeFixture,
                 "what an epoch that is over says does not count") {
  OpenWithTwo();
  // It lost its disk, and comes back: the same task, with other leaves.
  CHECK(AggregatorChecksIn("edge-1", 5) ==
        "offer edge-1 the sum of round 1.1 from model-0 by 60s");
  CHECK(Announces("edge-1", {.leaves = {"a1"}, .epoch = 4}) ==
        "refuse edge-1 epoch_over");
  Restarts();
  CHECK(Returns("edge-1", {.defect = Refusal::kOverBound,
                           .leaves = {"a1"},
                           .epoch = 4}) == "refuse edge-1 epoch_over");
  CHECK(Returns("edge-1", {.leaves = {"a2"}, .epoch = 5}) ==
        "accept edge-1 with weight 10");
}

TEST_CASE_METHOD(TreeFixture, "what counted stays, whatever epoch begins") {
  OpenWithTwo();
  Returns("edge-1", {.leaves = {"a1"}, .epoch = 4});
  CHECK(AggregatorChecksIn("edge-1", 5) == "");
  CHECK(Returns("edge-1", {.leaves = {"a1"}, .epoch = 4}) ==
        "acknowledge edge-1 again");
  CHECK(Returns("edge-1", {.leaves = {"a2"}, .epoch = 5}) ==
        "refuse edge-1 duplicate");
}

TEST_CASE_METHOD(TreeFixture, "an aggregator in quarantine is not asked") {
  Options options = Tree();
  options.quarantine = QuarantineOptions{.strikes = 1, .rounds = 2};
  StartRunWith(options);
  OpenWithTwo();
  AggregatorChecksIn("edge-3");
  CHECK(Returns("edge-1", {.defect = Refusal::kOverBound, .leaves = {"a1"}}) ==
        "refuse edge-1 over_bound; quarantine edge-1 until round 4: "
        "over_bound");
  CHECK(AggregatorChecksIn("edge-1").starts_with("turn edge-1 away"));
}

TEST_CASE_METHOD(TreeFixture, "a middle node takes sums for its parent") {
  Options options = Tree();
  options.parent = ParentOptions{.deadline_share = 0.5};
  options.min_updates = 1;
  StartRunWith(options);
  OpenWithTwo();
  CHECK(TaskIsGiven({.round = 2}) ==
        "open round 2.1 from model-1; "
        "offer edge-1 the sum of round 2.1 from model-1 by 25s; "
        "offer edge-2 the sum of round 2.1 from model-1 by 25s");
  CHECK(TaskOf("edge-1").seed == KeyFromSeed(102));
  Returns("edge-1", {.leaves = {"a1", "a2", "a3"}});
  CHECK(AdvanceTo(25s) ==
        "cancel edge-2 too_late; release round 2.1 of edge-1, 3 leaves, with "
        "weight 30 and loss 0.5");
}

TEST_CASE("options of trees and parents that cannot be are named") {
  const auto said = [](const Options& options) {
    return std::string(options.Validate().message());
  };
  Options options = RoundFixture::Tree();
  options.parent = ParentOptions{};
  CHECK(said(options) == "");
  options.parent->deadline_share = 1;
  options.tree->aggregators = 0;
  options.tree->leaves_each = 0;
  options.evaluate_every = 1;
  options.max_debits = 3;
  CHECK(said(options) ==
        "hierarchy.fan_out: 0 is not in 1 .. 1000000; "
        "hierarchy.fan_out, leaves of each: 0 is not in 1 .. 1000000; "
        "hierarchy.deadline_share: 1 is not between 0 and 1; "
        "hierarchy: evaluations and the privacy budget are the root's");
  options = RoundFixture::MaskedRounds();
  options.tree = TreeOptions{};
  CHECK(said(options).find("this node asks aggregators") != std::string::npos);
  options = RoundFixture::Buffers();
  options.min_updates = 2;
  options.parent = ParentOptions{};
  CHECK(said(options).find("hierarchy: cannot stand beside asynchronous") !=
        std::string::npos);
}

}  // namespace
}  // namespace tributary::round
