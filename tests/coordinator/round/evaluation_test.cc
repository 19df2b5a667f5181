// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

// Each of three rounds is evaluated.
class EvaluatedRounds : public RoundFixture {
 public:
  EvaluatedRounds() { StartRunWith(EvaluateEvery(1)); }

  static Options EvaluateEvery(int rounds) {
    Options options = SmallRounds();
    options.evaluate_every = rounds;
    return options;
  }

  std::string PlayRound() {
    CheckIn({"ann", "bob", "cid"});
    Return({"ann", "bob", "cid"});
    return ModelIsMade();
  }
};

TEST_CASE_METHOD(EvaluatedRounds,
                 "a released model goes to a waiting evaluator") {
  CHECK(EvaluatorChecksIn("eve") == "");
  CHECK(PlayRound() ==
        "commit round 1 as model-1; offer eve the evaluation of round 1, "
        "model-1, by 30s");
  CHECK(WakesAt() == 30s);
  CHECK(Evaluates("eve", {{"accuracy", 0.5}}) ==
        "accept the evaluation of round 1 by eve accuracy=0.5");
}

TEST_CASE_METHOD(EvaluatedRounds, "an evaluation waits for its evaluator") {
  CHECK(PlayRound() == "commit round 1 as model-1");
  CHECK(EvaluatorChecksIn("eve") ==
        "offer eve the evaluation of round 1, model-1, by 30s");
}

TEST_CASE_METHOD(EvaluatedRounds, "rounds go on while a model is evaluated") {
  EvaluatorChecksIn("eve");
  PlayRound();
  CheckIn({"ann", "bob"});
  CHECK(ChecksIn("cid").starts_with("open round 2.1 from model-1"));
  CHECK(Evaluates("eve", {{"loss", 2}}) ==
        "accept the evaluation of round 1 by eve loss=2");
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "an evaluation nobody has gives way to a newer model's") {
  PlayRound();
  PlayRound();
  CHECK(EvaluatorChecksIn("eve") ==
        "offer eve the evaluation of round 2, model-2, by 30s");
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "a newer model waits for the evaluation that is out") {
  EvaluatorChecksIn("eve");
  PlayRound();
  PlayRound();
  CHECK(Evaluates("eve", {{"loss", 2}}) ==
        "accept the evaluation of round 1 by eve loss=2");
  CHECK(EvaluatorChecksIn("eve") ==
        "offer eve the evaluation of round 2, model-2, by 30s");
}

TEST_CASE_METHOD(EvaluatedRounds, "an evaluator too slow is given up") {
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(AdvanceTo(30s) == "cancel eve too_late");
  CHECK(Evaluates("eve", {{"loss", 2}}) == "refuse eve too_late");
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "an evaluator that returns has its task still") {
  EvaluatorChecksIn("eve");
  PlayRound();
  Leaves("eve");
  CHECK(EvaluatorChecksIn("eve") ==
        "offer eve the evaluation of round 1, model-1, by 30s");
  Restarts();
  CHECK(EvaluatorChecksIn("eve") ==
        "offer eve the evaluation of round 1, model-1, by 30s");
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "another evaluator takes a revoked one's task") {
  EvaluatorChecksIn("eve");
  EvaluatorChecksIn("eva");
  PlayRound();
  CHECK(IsRevoked("eva") ==
        "cancel eva revoked; offer eve the evaluation of round 1, model-1, by "
        "30s");
}

TEST_CASE_METHOD(EvaluatedRounds, "an evaluation that failed is given up") {
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(Fails("eve") == "");
  CHECK_FALSE(state().evaluation.has_value());
}

TEST_CASE_METHOD(EvaluatedRounds, "the same evaluation is acknowledged again") {
  EvaluatorChecksIn("eve");
  PlayRound();
  Evaluates("eve", {{"loss", 2}});
  CHECK(Evaluates("eve", {{"loss", 2}}) == "acknowledge eve again");
}

TEST_CASE_METHOD(EvaluatedRounds, "an evaluation from others is refused") {
  EvaluatorChecksIn("eve");
  PlayRound();
  const TaskToken token = TokenOf("eve");
  CHECK(Happens(EvaluationArrived{ClientId{"ann"}, token, {}}) ==
        "refuse ann unknown_task");
  CHECK(Evaluates("ann", {}) == "refuse ann wrong_role");
  CHECK(Returns("eve") == "refuse eve wrong_role");
}

TEST_CASE_METHOD(EvaluatedRounds, "a metric that is not a number is refused") {
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(
      Evaluates("eve", {{"loss", std::numeric_limits<double>::quiet_NaN()}}) ==
      "refuse eve not_finite");
  CHECK_FALSE(state().evaluation.has_value());
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "only every second round, and the last, is due") {
  StartRunWith(EvaluateEvery(2));
  EvaluatorChecksIn("eve");
  CHECK(PlayRound() == "commit round 1 as model-1");
  PlayRound();
  CHECK(Evaluates("eve", {}) == "accept the evaluation of round 2 by eve");
  EvaluatorChecksIn("eve");
  CHECK(PlayRound() ==
        "commit round 3 as model-3; offer eve the evaluation of round 3, "
        "model-3, by 30s");
}

TEST_CASE_METHOD(EvaluatedRounds,
                 "without evaluations evaluators are turned away") {
  StartRunWith(SmallRounds());
  CHECK(EvaluatorChecksIn("eve").starts_with("turn eve away"));
}

TEST_CASE_METHOD(EvaluatedRounds, "the run ends with its last evaluation") {
  PlayRound();
  PlayRound();
  CHECK(PlayRound() == "commit round 3 as model-3");
  CHECK(Name(state().phase) == "finishing");
  CHECK(ChecksIn("ann").starts_with("turn ann away"));
  EvaluatorChecksIn("eve");
  CHECK(Evaluates("eve", {{"loss", 1}}) ==
        "accept the evaluation of round 3 by eve loss=1; end the run, "
        "finished: all 3 rounds are released");
}

TEST_CASE_METHOD(EvaluatedRounds, "the run ends when no evaluator comes") {
  PlayRound();
  PlayRound();
  PlayRound();
  CHECK(WakesAt() == 30s);
  CHECK(AdvanceTo(30s) == "end the run, finished: all 3 rounds are released");
}

TEST_CASE_METHOD(EvaluatedRounds, "the run ends when its target is reached") {
  Options options = EvaluateEvery(1);
  options.stop_metric = "accuracy";
  options.stop_target = 0.9;
  StartRunWith(options);
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(Evaluates("eve", {{"accuracy", 0.89}}) ==
        "accept the evaluation of round 1 by eve accuracy=0.89");
  EvaluatorChecksIn("eve");
  PlayRound();
  CheckIn({"ann", "bob", "cid"});
  CHECK(Evaluates("eve", {{"accuracy", 0.9}, {"loss", 4}}) ==
        "accept the evaluation of round 2 by eve accuracy=0.9 loss=4; "
        "cancel ann run_ended; cancel bob run_ended; cancel cid run_ended; "
        "end the run, finished: accuracy is 0.9 after round 2, the target was "
        "0.9");
}

TEST_CASE_METHOD(EvaluatedRounds, "a loss reaches its target from above") {
  Options options = EvaluateEvery(1);
  options.stop_metric = "loss";
  options.stop_target = 0.5;
  StartRunWith(options);
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(Evaluates("eve", {{"accuracy", 1}, {"loss", 0.6}}) ==
        "accept the evaluation of round 1 by eve accuracy=1 loss=0.6");
  EvaluatorChecksIn("eve");
  PlayRound();
  Evaluates("eve", {{"loss", 0.4}});
  CHECK(Name(state().phase) == "ended");
}

TEST_CASE_METHOD(EvaluatedRounds, "a stop cancels the evaluation") {
  EvaluatorChecksIn("eve");
  PlayRound();
  CHECK(Stops() ==
        "cancel eve run_ended; end the run, stopped: stopped by an operator");
  CHECK(Evaluates("eve", {}) == "refuse eve run_ended");
}

}  // namespace
}  // namespace tributary::round
