// SPDX-License-Identifier: Apache-2.0
// Rounds whose updates are masked: when a step of the secure session is over,
// who is left, and what becomes of a session that is lost.
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::round {
namespace {

const std::vector<std::string> kAll = {"ann", "bob", "cid", "dan"};

class MaskedRound : public RoundFixture {
 public:
  MaskedRound() {
    StartRunWith(MaskedRounds());
    CheckIn(kAll);
  }
};

TEST_CASE_METHOD(RoundFixture, "a masked round begins with keys") {
  StartRunWith(MaskedRounds());
  CheckIn({"ann", "bob", "cid"});
  CHECK(ChecksIn("dan") ==
        "open round 1.1 from model-0; "
        "offer ann the training of round 1.1 from model-0 by 60s; "
        "offer bob the training of round 1.1 from model-0 by 60s; "
        "offer cid the training of round 1.1 from model-0 by 60s; "
        "offer dan the training of round 1.1 from model-0 by 60s");
  CHECK(Name(state().phase) == "keying");
  CHECK(WakesAt() == 10s);
}

TEST_CASE_METHOD(RoundFixture,
                 "fewer than make a session are not asked for keys") {
  StartRunWith(MaskedRounds());
  CheckIn({"ann", "bob"});
  CHECK_FALSE(WakesAt().has_value());
  ChecksIn("cid");
  CHECK(WakesAt() == 10s);
}

TEST_CASE_METHOD(MaskedRound, "a step is closed once everybody has answered") {
  CHECK(Answer({"ann", "bob", "cid"}) == "");
  CHECK(Answers("dan") == "close advertising of round 1.1");
  CHECK_FALSE(WakesAt().has_value());  // the session's turn
  SetTime(4s);
  CHECK(SessionAnswers() == "");
  CHECK(WakesAt() == 14s);
}

TEST_CASE_METHOD(MaskedRound,
                 "a step is over at its deadline, and who is missing is out") {
  Answer({"ann", "bob", "cid"});
  CHECK(AdvanceTo(10s) == "close advertising of round 1.1");
  CHECK(AdvanceTo(11s) == "");
  CHECK(SessionAnswers() == "cancel dan too_late");
  CHECK(Returns("dan") == "refuse dan too_late");
  CHECK(ChecksIn("dan") == "");
  CHECK(state().waiting.contains(ClientId{"dan"}));
}

TEST_CASE_METHOD(MaskedRound, "no step lasts longer than the round") {
  PassStep(kAll);
  AdvanceTo(10s);
  SessionAnswers();
  CHECK(Name(state().phase) == "abandoned");
  Options options = MaskedRounds();
  options.deadline = 6s;
  StartRunWith(options);
  SetTime(0s);
  CheckIn(kAll);
  CHECK(WakesAt() == 6s);
}

TEST_CASE_METHOD(MaskedRound, "too few keys are an abandoned attempt") {
  Answer({"ann", "bob"});
  AdvanceTo(10s);
  CHECK(SessionAnswers() ==
        "cancel ann abandoned; cancel bob abandoned; cancel cid abandoned; "
        "cancel dan abandoned; abandon round 1.1 with 0 lost: the secure "
        "session came to nothing with 2 clients left: too few clients, 3 are "
        "needed");
  CHECK(WakesAt() == 15s);
}

// The session may be content with fewer than the round is.
TEST_CASE_METHOD(MaskedRound, "clients that gave up are not waited for") {
  PassStep(kAll);
  Answer(kAll);
  Fails("ann");
  Fails("bob");
  Fails("cid");
  SessionAnswers();
  CHECK(Text(effects()) ==
        "cancel dan abandoned; abandon round 1.1 with 0 lost: 1 of at least 2 "
        "clients are left after opening");
}

TEST_CASE_METHOD(MaskedRound, "no update is taken before the keys are there") {
  CHECK(Announces("ann") == "refuse ann bad_protocol");
  PassStep({"bob", "cid", "dan"});
  CHECK(Returns("bob") == "refuse bob bad_protocol");
  CHECK(Returns("bob") == "refuse bob bad_protocol");
  CHECK(Refused(Refusal::kBadProtocol) == 3);
}

TEST_CASE_METHOD(MaskedRound, "a message that breaks the protocol is a turn") {
  CHECK(Returns("ann", {.defect = Refusal::kBadProtocol}) ==
        "refuse ann bad_protocol");
  CHECK(Answer({"bob", "cid", "dan"}) == "close advertising of round 1.1");
}

TEST_CASE_METHOD(MaskedRound, "a masked update counts one and says no loss") {
  ExchangeKeys(kAll);
  CHECK(Returns("ann", {.weight = 2}) == "refuse ann bad_message");
  CHECK(Returns("bob", {.train_loss = 0.5}) == "refuse bob bad_message");
  CHECK(Announces("cid") == "grant cid");
  CHECK(Returns("cid") == "accept cid with weight 1");
}

TEST_CASE_METHOD(MaskedRound, "what all survive is unmasked and released") {
  ExchangeKeys(kAll);
  CHECK(Name(state().phase) == "collecting");
  CHECK(WakesAt() == 60s);
  Return({"ann", "bob", "cid"});
  CHECK(Returns("dan") ==
        "accept dan with weight 1; close masking of round 1.1");
  CHECK(SessionAnswers() == "");
  CHECK(Name(state().phase) == "unmasking");
  CHECK(Answer(kAll) == "close agreeing of round 1.1");
  CHECK(SessionAnswers() == "");
  CHECK(Answer(kAll) == "close unmasking of round 1.1");
  CHECK(SessionAnswers() ==
        "release round 1.1 of ann bob cid dan with weight 4 and loss 0");
  CHECK(ModelIsMade() == "commit round 1 as model-1");
}

TEST_CASE_METHOD(MaskedRound, "who vanishes after its update is in the sum") {
  ExchangeKeys(kAll);
  Return({"ann", "bob", "cid", "dan"});
  SessionAnswers();
  Answer({"ann", "bob", "cid"});
  AdvanceTo(10s);
  CHECK(SessionAnswers() == "cancel dan too_late");
  Answer({"ann", "bob"});
  AdvanceTo(20s);
  CHECK(SessionAnswers() ==
        "cancel cid too_late; release round 1.1 of ann bob cid dan with weight "
        "4 and loss 0");
  // The receipt of whoever answered.
  CHECK(Announces("ann") == "acknowledge ann again");
  CHECK(Announces("dan") == "acknowledge dan again");
}

TEST_CASE_METHOD(MaskedRound, "who sends no update is not in the sum") {
  ExchangeKeys(kAll);
  Return({"ann", "bob", "cid"});
  CHECK(AdvanceTo(60s) == "close masking of round 1.1");
  // Its bytes were on their way.
  CHECK(Returns("dan") == "refuse dan too_late");
  CHECK(SessionAnswers() == "cancel dan too_late");
  PassStep({"ann", "bob", "cid"});
  CHECK(PassStep({"ann", "bob", "cid"}) ==
        "release round 1.1 of ann bob cid with weight 3 and loss 0");
}

TEST_CASE_METHOD(MaskedRound, "too few updates are never unmasked") {
  ExchangeKeys(kAll);
  Returns("ann");
  CHECK(AdvanceTo(60s) ==
        "cancel ann abandoned; cancel bob abandoned; cancel cid abandoned; "
        "cancel dan abandoned; abandon round 1.1 with 1 lost: 1 of at least 2 "
        "updates at the deadline");
}

// More of the session are asked than the round needs; it withstands one in four
// that vanish, of eight two.
TEST_CASE_METHOD(RoundFixture,
                 "a masked round waits for those its session cannot miss") {
  Options options = MaskedRounds();
  options.over_selection = 2;
  StartRunWith(options);
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f", "g", "h"};
  CheckIn(all);
  ExchangeKeys(all);
  Return({"a", "b", "c", "d"});
  CHECK(Returns("e") == "accept e with weight 1");
  CHECK(Returns("f") == "accept f with weight 1; close masking of round 1.1");
}

TEST_CASE_METHOD(MaskedRound,
                 "a client that comes back goes on in the session") {
  AdvanceTo(3s);
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 1.1 from model-0 by 60s");
  ExchangeKeys(kAll);
  Returns("ann");
  // Its update counts; its answers are wanted for a step at least.
  CHECK(ChecksIn("ann") ==
        "offer ann the training of round 1.1 from model-0 by 13s");
  Return({"bob", "cid", "dan"});
  SessionAnswers();
  CHECK(ChecksIn("bob") ==
        "offer bob the training of round 1.1 from model-0 by 13s");
  PassStep(kAll);
  Answers("bob");
  CHECK(ChecksIn("bob") == "");  // all its answers are there
}

TEST_CASE_METHOD(MaskedRound,
                 "a counted client that gives up leaves the session alone") {
  ExchangeKeys(kAll);
  Return({"ann", "bob", "cid"});
  CHECK(Fails("ann") == "");
  CHECK(IsRevoked("bob") == "cancel bob revoked");
  CHECK(ChecksIn("ann") == "");
  Returns("dan");
  SessionAnswers();
  // cid and dan are waited for.
  CHECK(Answer({"cid", "dan"}) == "close agreeing of round 1.1");
  SessionAnswers();
  CHECK(Returns("cid", {.defect = Refusal::kBadProtocol}) ==
        "refuse cid bad_protocol");
  CHECK(ChecksIn("cid") == "");
  CHECK(Answers("dan") == "close unmasking of round 1.1");
}

TEST_CASE_METHOD(MaskedRound,
                 "whoever the sum can do without has a tenth of a step left") {
  ExchangeKeys(kAll);
  Return(kAll);
  SessionAnswers();
  Answer({"ann", "bob"});
  CHECK(WakesAt() == 10s);
  SetTime(3s);
  CHECK(AnswersEnough("cid") == "");
  CHECK(WakesAt() == 4s);
  CHECK(AdvanceTo(4s) == "close agreeing of round 1.1");
  CHECK(SessionAnswers() == "cancel dan too_late");

  CHECK(WakesAt() == 14s);
  AnswersEnough("ann");
  CHECK(WakesAt() == 5s);
  // Those who still come do not put it off.
  SetTime(4'500ms);
  AnswersEnough("bob");
  CHECK(WakesAt() == 5s);
  CHECK(AdvanceTo(5s) == "close unmasking of round 1.1");
  CHECK(SessionAnswers() ==
        "cancel cid too_late; release round 1.1 of ann bob cid dan with weight "
        "4 and loss 0");
}

TEST_CASE_METHOD(MaskedRound,
                 "enough in the last instants of a step adds none") {
  ExchangeKeys(kAll);
  Return(kAll);
  SessionAnswers();
  SetTime(9'800ms);
  AnswersEnough("ann");
  CHECK(WakesAt() == 10s);
}

TEST_CASE_METHOD(MaskedRound, "a revoked client is out before its update") {
  CHECK(IsRevoked("ann") == "cancel ann revoked");
  CHECK(Answer({"bob", "cid", "dan"}) == "close advertising of round 1.1");
  SessionAnswers();
  PassStep({"bob", "cid", "dan"});
  PassStep({"bob", "cid", "dan"});
  CHECK(IsRevoked("bob") == "cancel bob revoked");
  CHECK(Returns("bob") == "refuse bob revoked");
}

TEST_CASE_METHOD(MaskedRound, "a restart abandons a session in every step") {
  const std::string lost_keys =
      "cancel ann abandoned; cancel bob abandoned; cancel cid abandoned; "
      "cancel dan abandoned; abandon round 1.1 with 0 lost: the coordinator "
      "restarted: 0 masked updates cannot be unmasked";
  SECTION("in the keys") {
    PassStep(kAll);
    CHECK(Restarts() == lost_keys);
  }
  SECTION("while a step is being closed") {
    Answer(kAll);
    CHECK(Restarts() == lost_keys);
    CHECK(SessionAnswers() == "");
  }
  SECTION("at a step's deadline") {
    SetTime(10s);
    CHECK(Restarts() == lost_keys);
  }
  SECTION("among the updates") {
    ExchangeKeys(kAll);
    Return({"ann", "cid", "dan"});
    CHECK(Restarts() ==
          "cancel ann abandoned; cancel bob abandoned; cancel cid abandoned; "
          "cancel dan abandoned; abandon round 1.1 with 3 lost: the "
          "coordinator restarted: 3 masked updates cannot be unmasked");
    CHECK(Returns("ann") == "refuse ann too_late");
  }
  SECTION("in the unmasking") {
    ExchangeKeys(kAll);
    Return(kAll);
    SessionAnswers();
    PassStep(kAll);
    Answers("ann");
    CHECK(Restarts() ==
          "cancel bob abandoned; cancel cid abandoned; cancel dan abandoned; "
          "abandon round 1.1 with 4 lost: the coordinator restarted: 4 masked "
          "updates cannot be unmasked");
  }
  SECTION("while the model is made") {
    ExchangeKeys(kAll);
    Return(kAll);
    SessionAnswers();
    PassStep(kAll);
    PassStep(kAll);
    CHECK(Restarts() ==
          "abandon round 1.1 with 4 lost: the coordinator restarted: 4 masked "
          "updates cannot be unmasked");
    CHECK(ModelIsMade() == "");
  }
}

TEST_CASE_METHOD(RoundFixture, "a release that a restart undid stays charged") {
  Options options = MaskedRounds();
  options.max_debits = 1;
  StartRunWith(options);
  CheckIn(kAll);
  ExchangeKeys(kAll);
  Return(kAll);
  SessionAnswers();
  PassStep(kAll);
  PassStep(kAll);
  Restarts();
  CHECK(AdvanceTo(5s) ==
        "end the run, failed: the privacy budget is spent: it was charged 1 "
        "times, 0 of 3 rounds are released");
}

// Garbage of a hostile client shows once the masks are off.
TEST_CASE_METHOD(MaskedRound,
                 "a sum that nobody could have sent is abandoned") {
  ExchangeKeys(kAll);
  Return(kAll);
  SessionAnswers();
  PassStep(kAll);
  PassStep(kAll);
  CHECK(Happens(SecureAbandoned{1, 1, 4, "3 words are out of bounds"}) ==
        "abandon round 1.1 with 4 lost: the secure session came to nothing "
        "with 4 clients left: 3 words are out of bounds");
  CHECK(ModelIsMade() == "");
  CHECK(Returns("ann") == "refuse ann too_late");
}

TEST_CASE_METHOD(MaskedRound,
                 "a session of others than were accepted is abandoned") {
  ExchangeKeys(kAll);
  Return(kAll);
  Happens(SecureStepClosed{
      1, 1, SecureStep::kMasking, {{"ann"}, {"bob"}, {"cid"}}});
  CHECK(Text(effects()).ends_with(
      "abandon round 1.1 with 4 lost: the secure session has 3 updates, other "
      "than the 4 that were accepted"));
}

TEST_CASE_METHOD(MaskedRound, "answers to nothing are passed over") {
  const State before = state();
  CHECK(Happens(SecureStepClosed{1, 1, SecureStep::kAdvertising, {}}) == "");
  CHECK(Happens(SecureAbandoned{1, 2, 0, "another attempt's"}) == "");
  CHECK(Happens(SecureAnswered{ClientId{"ann"}, TokenOf("ann"),
                               SecureStep::kSharing}) == "");
  CHECK(Happens(SecureAnswered{ClientId{"ann"}, TokenOf("bob"),
                               SecureStep::kAdvertising}) == "");
  CHECK(state() == before);
}

TEST_CASE_METHOD(MaskedRound, "a stop cancels all that are in the session") {
  ExchangeKeys(kAll);
  Return(kAll);
  SessionAnswers();
  CHECK(Stops() ==
        "cancel ann run_ended; cancel bob run_ended; cancel cid run_ended; "
        "cancel dan run_ended; end the run, stopped: stopped by an operator");
}

TEST_CASE_METHOD(MaskedRound, "the next attempt is a session of its own") {
  Restarts();
  AdvanceTo(5s);
  CheckIn(kAll);
  CHECK(state().attempt == 2);
  CHECK(std::get<Keying>(state().phase).step == SecureStep::kAdvertising);
  CHECK(Answer(kAll) == "close advertising of round 1.2");
}

}  // namespace
}  // namespace tributary::round
