// SPDX-License-Identifier: Apache-2.0
// Rounds that wait for nobody: who begins, what counts and how much, what is
// refused. Two updates are a model, three clients train at once, an update two
// models old is the stalest that is taken; a fresh one weighs 100.
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

class AsynchronousFixture : public RoundFixture {
 public:
  AsynchronousFixture() { StartRunWith(Buffers()); }

  // These clients' updates are a model.
  void Release(const std::string& first, const std::string& second) {
    for (const auto& client : {first, second}) {
      ChecksIn(client);
      Returns(client);
    }
    ModelIsMade();
  }
};

TEST_CASE_METHOD(AsynchronousFixture,
                 "whoever comes begins at once, while places are free") {
  CHECK(ChecksIn("ann") ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 60s");
  SetTime(5s);
  CHECK(ChecksIn("bob") ==
        "offer bob the training of round 1.1 from model-0 by 65s");
  ChecksIn("cid");
  CHECK(ChecksIn("dan").starts_with("turn dan away for "));
  CHECK(WakesAt() == 60s);
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "the model goes on while others still train") {
  CheckIn({"ann", "bob", "cid"});
  CHECK(Returns("ann") == "accept ann with weight 100");
  CHECK(Returns("bob") ==
        "accept bob with weight 100; "
        "release round 1.1 of ann bob with weight 200 and loss 0.5");
  CHECK(ModelIsMade() ==
        "commit round 1 as model-1; open round 2.1 from "
        "model-1");
  CHECK(ChecksIn("dan") ==
        "offer dan the training of round 2.1 from model-1 by 60s");
}

// s(1) = 1 / sqrt(2); the divisor is what two fresh ones would weigh.
TEST_CASE_METHOD(AsynchronousFixture,
                 "a stale update counts less, and the mean is smaller for it") {
  CheckIn({"ann", "bob", "cid"});
  Return({"ann", "bob"});
  ModelIsMade();
  CHECK(Returns("cid", {.train_loss = 1.0}) == "accept cid with weight 71");
  ChecksIn("dan");
  CHECK(Returns("dan", {.train_loss = 0.0}) ==
        "accept dan with weight 100; release round 2.1 of cid dan with weight "
        "171 of 200 and loss " +
            Text(71 / 171.0));
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "a task whose update would be too stale is cancelled, and "
                 "the update refused") {
  Options options = Buffers();
  options.rounds = 9;
  StartRunWith(options);
  ChecksIn("old");
  Release("ann", "bob");
  Release("cid", "dan");
  CHECK(Announces("old") == "grant old");
  for (const char* client : {"eve", "fay"}) {
    ChecksIn(client);
    Returns(client);
  }
  CHECK(ModelIsMade() ==
        "commit round 3 as model-3; open round 4.1 from model-3; "
        "cancel old stale_model");
  CHECK(Announces("old") == "refuse old stale_model");
  CHECK(Returns("old") == "refuse old stale_model");
  CHECK(Refused(Refusal::kStaleModel) == 2);
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "an update of another model than the task's is refused") {
  Release("ann", "bob");
  ChecksIn("cid");
  CHECK(Returns("cid", {.base_model = ModelNamed(0)}) ==
        "refuse cid stale_model");
  CHECK(Returns("cid") == "refuse cid stale_model");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "each task has its own deadline, and frees its place") {
  ChecksIn("ann");
  SetTime(10s);
  CheckIn({"bob", "cid"});
  SetTime(60s);
  CHECK(ChecksIn("dan") ==
        "cancel ann too_late; offer dan the training of round 1.1 from model-0 "
        "by 120s");
  CHECK(Returns("ann") == "refuse ann too_late");
  CHECK(Returns("bob") == "accept bob with weight 100");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "nobody is in a model twice, and everybody may be again") {
  CheckIn({"ann", "bob"});
  Returns("ann");
  CHECK(ChecksIn("ann").starts_with("turn ann away"));
  Returns("bob");
  ModelIsMade();
  SetTime(2s);
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 2.1 from model-1 by 62s");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "who has just trained rests while half of the others train") {
  SetTime(0s);
  CheckIn({"ann", "bob", "cid"});
  SetTime(20s);
  CHECK(Fails("ann").empty());
  CHECK(ChecksIn("ann").starts_with("turn ann away for 2"));
  CHECK(ChecksIn("dan").starts_with("offer dan"));
  SetTime(41s);
  Fails("bob");
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 1.2 from model-0 by 101s");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "a task given up may be asked again, with another token") {
  ChecksIn("ann");
  const TaskToken first = TokenOf("ann");
  Fails("ann");
  CHECK(ChecksIn("ann").starts_with("offer ann"));
  CHECK(TokenOf("ann") != first);
  CHECK(Returns("ann", {.token = first}) == "refuse ann unknown_task");
  CHECK(Returns("ann") == "accept ann with weight 100");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "a client that lost its stream has the task it had") {
  ChecksIn("ann");
  Leaves("ann");
  SetTime(9s);
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 1.1 from model-0 by 60s");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "the same update again is acknowledged again, another is not "
                 "taken, and both count once") {
  CheckIn({"ann", "bob"});
  Returns("ann");
  CHECK(Returns("ann") == "acknowledge ann again");
  CHECK(Returns("ann", {.train_loss = 0.25}) == "refuse ann duplicate");
  Returns("bob");
  CHECK(Returns("ann") == "acknowledge ann again");
  ModelIsMade();
  CHECK(Returns("ann") == "acknowledge ann again");
  CHECK(state().round == 2);
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "what comes while a model is made counts in the next") {
  CheckIn({"ann", "bob", "cid"});
  Return({"ann", "bob"});
  CHECK(Returns("cid").empty());
  CHECK(Returns("cid").empty());
  CHECK(Returns("cid", {.train_loss = 0.25}) == "refuse cid duplicate");
  CHECK(ChecksIn("dan") ==
        "offer dan the training of round 1.1 from model-0 by 60s");
  CHECK(Returns("dan").empty());
  CHECK(ModelIsMade() ==
        "commit round 1 as model-1; open round 2.1 from model-1; "
        "accept cid with weight 71; accept dan with weight 71; "
        "release round 2.1 of cid dan with weight 142 of 200 and loss 0.5");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "an update that was kept for the next model is sent again "
                 "after a restart") {
  CheckIn({"ann", "bob", "cid"});
  Return({"ann", "bob", "cid"});
  CHECK(Restarts().empty());
  CHECK(WakesAt() == 60s);
  ModelIsMade();
  CHECK(ChecksIn("cid") ==
        "offer cid the training of round 1.1 from model-0 by 60s");
  CHECK(Returns("cid") == "accept cid with weight 71");
}

TEST_CASE_METHOD(AsynchronousFixture, "a revoked client's task is void") {
  CheckIn({"ann", "bob"});
  CHECK(IsRevoked("ann") == "cancel ann revoked");
  CHECK(Returns("ann") == "refuse ann revoked");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "an update without examples, or with a loss that is no "
                 "number, is refused") {
  CheckIn({"ann", "bob", "cid"});
  CHECK(Returns("ann", {.weight = 0}) == "refuse ann bad_weight");
  CHECK(Returns("bob", {.train_loss = std::nan("")}) ==
        "refuse bob not_finite");
  CHECK(Returns("cid", {.defect = Refusal::kOverBound}) ==
        "refuse cid over_bound");
  CHECK(state().open_tasks.empty());
}

TEST_CASE_METHOD(AsynchronousFixture, "examples do not weigh") {
  ChecksIn("ann");
  CHECK(Returns("ann", {.weight = 7000}) == "accept ann with weight 100");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "with the last model's updates in, the others may stop") {
  Options options = Buffers();
  options.rounds = 1;
  options.evaluate_every = 1;
  StartRunWith(options);
  EvaluatorChecksIn("eva");
  CheckIn({"ann", "bob", "cid"});
  Returns("ann");
  CHECK(Returns("bob") ==
        "accept bob with weight 100; cancel cid too_late; "
        "release round 1.1 of ann bob with weight 200 and loss 0.5");
  CHECK(ChecksIn("dan").starts_with("turn dan away"));
  CHECK(ModelIsMade() ==
        "commit round 1 as model-1; offer eva the evaluation of round 1, "
        "model-1, by 30s");
  CHECK(Returns("cid") == "refuse cid too_late");
  CHECK(Evaluates("eva", {{"accuracy", 0.5}})
            .ends_with("end the run, finished: all 1 rounds are released"));
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "an operator's stop cancels what is out") {
  CheckIn({"ann", "bob"});
  CHECK(Stops() ==
        "cancel ann run_ended; cancel bob run_ended; end the run, stopped: "
        "stopped by an operator");
  CHECK(Returns("ann") == "refuse ann run_ended");
  CHECK(Returns("nobody") == "refuse nobody run_ended");
}

TEST_CASE_METHOD(AsynchronousFixture,
                 "a token that was never given, or another's, is unknown") {
  CheckIn({"ann", "bob"});
  CHECK(Returns("cid") == "refuse cid unknown_task");
  CHECK(Returns("ann", {.token = TokenOf("bob")}) == "refuse ann unknown_task");
}

// Little's law: two updates in 10 s from three clients at once are tasks of
// 15 s in the mean.
TEST_CASE_METHOD(AsynchronousFixture,
                 "whoever finds no place comes back after a task's time") {
  CheckIn({"ann", "bob", "cid"});
  SetTime(10s);
  Return({"ann", "bob"});
  ModelIsMade();
  CheckIn({"dan", "eve"});
  CHECK(ChecksIn("fay").starts_with("turn fay away for 15."));
}

// Xie et al. 2019, algorithm 1: x <- (1 - a s(t)) x + a s(t) (x_t + delta).
TEST_CASE_METHOD(AsynchronousFixture,
                 "with mixing each update is a model, mixed in less the staler "
                 "it is") {
  Options options = Buffers();
  options.cohort_size = options.min_updates = 1;
  options.asynchronous->mixing_rate = 0.5;
  StartRunWith(options);
  CheckIn({"ann", "bob"});
  CHECK(Returns("ann") ==
        "accept ann with weight 100; release round 1.1 of ann with weight 100 "
        "and loss 0.5, from model-0 with a share of 0.5");
  ModelIsMade();
  CHECK(Returns("bob") ==
        "accept bob with weight 71; release round 2.1 of bob with weight 71 "
        "and loss 0.5, from model-0 with a share of 0.355");
}

TEST_CASE("options of asynchronous rounds are checked") {
  Options options = RoundFixture::Buffers();
  CHECK(options.Validate().ok());
  options.asynchronous->concurrency = 0;
  options.asynchronous->max_staleness = -1;
  options.asynchronous->staleness_exponent = 11;
  options.min_updates = 1;
  options.packed = true;
  options.asynchronous->mixing_rate = 0;
  CHECK(options.Validate().message() ==
        "asynchronous.concurrency: 0 is not in 1 .. 1000000; "
        "asynchronous.max_staleness: -1 is not in 0 .. 10000; "
        "asynchronous.staleness_exponent: 11 is not in 0 .. 10; "
        "asynchronous.mixing.rate: 0 is not over 0 and at most 1; "
        "round.cohort_size: 2 is not 1, as asynchronous.mixing needs; "
        "round.over_selection: asynchronous rounds close at cohort_size; "
        "asynchronous: cannot stand beside secure_aggregation or privacy");
}

}  // namespace
}  // namespace tributary::round
