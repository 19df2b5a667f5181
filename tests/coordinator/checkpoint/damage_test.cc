// SPDX-License-Identifier: Apache-2.0
// What was stored and is not as we wrote it is named, never half believed.
#include <functional>
#include <utility>
#include <vector>

#include "coordinator/checkpoint/journal.h"
#include "coordinator/checkpoint/snapshot.h"
#include "tests/coordinator/round/round_fixture.h"

#include "tests/catch.h"

namespace tributary::checkpoint {
namespace {

v1::EngineState ARoundInProgress() {
  round::RoundFixture run;
  round::Options options = round::RoundFixture::SmallRounds();
  options.evaluate_every = 1;
  run.StartRunWith(options);
  run.EvaluatorChecksIn("eve");
  run.CheckIn({"ann", "bob", "cid", "dan"});
  run.Return({"ann", "bob", "cid"});
  run.ModelIsMade();
  run.CheckIn({"ann", "bob", "eli"});
  run.Returns("dan", {.weight = 5000});
  run.Returns("ann", {.weight = 0});
  return ToMessage(run.state());
}

using Change = std::function<void(v1::EngineState&)>;
using Changes = std::vector<std::pair<std::string, Change>>;

void CheckThatEachIsFound(const v1::EngineState& whole,
                          const Changes& damages) {
  REQUIRE(FromMessage(whole).ok());
  for (const auto& [message, damage] : damages) {
    v1::EngineState state = whole;
    damage(state);
    const auto read = FromMessage(state);
    INFO(message << ": " << read.status().ToString());
    CHECK(read.status().code() == absl::StatusCode::kDataLoss);
    CHECK(read.status().message().find(message) != std::string::npos);
  }
}

// Four clients, ann .. dan, of whom dan gave up; one more step is passed.
struct AMaskedRound : round::RoundFixture {
  AMaskedRound() {
    round::Options options = MaskedRounds();
    options.clip_norm = 1.5;
    options.max_debits = 3;
    StartRunWith(options);
    CheckIn({"ann", "bob", "cid", "dan"});
    PassStep({"ann", "bob", "cid", "dan"});
    Fails("dan");
  }
  void ReachUpdates() {
    PassStep({"ann", "bob", "cid"});
    PassStep({"ann", "bob", "cid"});
    Returns("ann");
  }
};

TEST_CASE("damaged states of a session's keys are refused by name") {
  AMaskedRound run;
  CheckThatEachIsFound(
      ToMessage(run.state()),
      {
          {"unknown step 0",
           [](auto& s) {
             s.mutable_keying()->set_step(v1::SECURE_STEP_UNSPECIFIED);
           }},
          {"unknown step 77",
           [](auto& s) {
             s.mutable_keying()->set_step(
                 static_cast<v1::EngineSecureStep>(77));
           }},
          {"a step that is not of the keys",
           [](auto& s) { s.mutable_keying()->set_step(v1::MASKING); }},
          {"a step that waits for nobody",
           [](auto& s) { s.mutable_keying()->clear_awaited(); }},
          {"a client twice in a list",
           [](auto& s) { s.mutable_keying()->add_awaited("ann"); }},
          {"a secure session with somebody else",
           [](auto& s) { s.mutable_keying()->add_awaited("zoe"); }},
          {"a secure session with somebody else",
           [](auto& s) { s.mutable_keying()->add_awaited("dan"); }},
          {"a session of 5 in a cohort of 4",
           [](auto& s) { s.mutable_keying()->set_members(5); }},
          {"a round of nobody",
           [](auto& s) { s.mutable_keying()->clear_cohort(); }},
          {"a clip norm of 0", [](auto& s) { s.set_clip_norm(0); }},
          {"a clip norm of inf",
           [](auto& s) { s.set_clip_norm(1e300 * 1e300); }},
          {"3000000000 debits", [](auto& s) { s.set_debits(3'000'000'000); }},
      });
}

TEST_CASE("damaged states of masked updates are refused by name") {
  AMaskedRound run;
  run.ReachUpdates();
  run.Fails("ann");
  CheckThatEachIsFound(
      ToMessage(run.state()),
      {
          {"a session of 9 in a cohort of 4",
           [](auto& s) { s.mutable_collecting()->set_members(9); }},
          {"a step of no session",
           [](auto& s) { s.mutable_collecting()->set_members(0); }},
          {"a secure session with somebody else",
           [](auto& s) { s.mutable_collecting()->add_gone("bob"); }},
      });
}

TEST_CASE("damaged states of an unmasking are refused by name") {
  AMaskedRound run;
  run.ReachUpdates();
  run.Return({"bob", "cid"});
  run.SessionAnswers();
  CheckThatEachIsFound(
      ToMessage(run.state()),
      {
          {"a step that is not of the unmasking",
           [](auto& s) { s.mutable_unmasking()->set_step(v1::SHARING); }},
          {"a step that waits for nobody",
           [](auto& s) { s.mutable_unmasking()->clear_awaited(); }},
          {"an answer awaited of somebody who left",
           [](auto& s) { s.mutable_unmasking()->clear_members(); }},
          {"a secure session with somebody else",
           [](auto& s) { s.mutable_unmasking()->add_members("dan"); }},
      });
}

TEST_CASE("damaged states are refused by name") {
  const Changes damages = {
      {"version 2, not 1", [](auto& s) { s.set_version(2); }},
      {"no phase", [](auto& s) { s.clear_phase(); }},
      {"round 0", [](auto& s) { s.set_round(0); }},
      {"round 2000000000", [](auto& s) { s.set_round(2'000'000'000); }},
      {"attempt 0", [](auto& s) { s.set_attempt(0); }},
      {"a model id of 3 bytes", [](auto& s) { s.set_model("abc"); }},
      {"is over 2^53", [](auto& s) { s.set_now_ms(std::uint64_t{1} << 60); }},
      {"a client name of 0 bytes", [](auto& s) { s.add_waiting(""); }},
      {"a client name of 200 bytes",
       [](auto& s) { s.add_evaluators(std::string(200, 'x')); }},
      {"a client twice in a list",
       [](auto& s) {
         s.add_waiting("zoe");
         s.add_waiting("zoe");
       }},
      {"a round of nobody",
       [](auto& s) { s.mutable_collecting()->clear_cohort(); }},
      {"a participant twice",
       [](auto& s) {
         auto* cohort = s.mutable_collecting()->mutable_cohort();
         *cohort->Add() = cohort->Get(0);
       }},
      {"a token of 1 bytes",
       [](auto& s) {
         s.mutable_collecting()->mutable_cohort(0)->set_token("x");
       }},
      {"unknown participation 99",
       [](auto& s) {
         s.mutable_collecting()->mutable_cohort(0)->set_state(
             static_cast<v1::EngineParticipant::State>(99));
       }},
      {"disagree",
       [](auto& s) {
         s.mutable_collecting()->mutable_cohort(0)->set_refusal(
             v1::REFUSAL_UNSPECIFIED);
       }},
      {"was not declared",
       [](auto& s) {
         for (auto& one : *s.mutable_collecting()->mutable_cohort()) {
           one.set_declared_weight(1);
         }
       }},
      {"a staleness of 1 in round 2",
       [](auto& s) {
         for (auto& one : *s.mutable_collecting()->mutable_cohort()) {
           one.set_staleness(1);
         }
       }},
      {"a settled round that is open",
       [](auto& s) {
         auto* cohort = s.mutable_collecting()->mutable_cohort();
         cohort->DeleteSubrange(1, cohort->size() - 1);
       }},
      {"a deadline before its round",
       [](auto& s) { s.mutable_collecting()->set_deadline_ms(0); }},
      {"ended in no known way", [](auto& s) { s.mutable_ended(); }},
      {"a reason too long",
       [](auto& s) { s.mutable_ended()->set_reason(std::string(5000, 'x')); }},
      {"an evaluation token of nobody",
       [](auto& s) { s.mutable_evaluation()->clear_evaluator(); }},
      {"waits for no evaluation",
       [](auto& s) {
         s.mutable_finishing();
         s.clear_evaluation();
       }},
      {"an evaluation queued behind none",
       [](auto& s) {
         s.clear_evaluation();
         s.mutable_queued_evaluation()->set_round(1);
         s.mutable_queued_evaluation()->set_model(std::string(32, 'm'));
       }},
      {"a counted client twice",
       [](auto& s) { *s.add_counted() = s.counted(0); }},
      {"unknown refusal 77",
       [](auto& s) {
         s.add_refusals()->set_reason(static_cast<v1::Refusal>(77));
       }},
      {"a refusal twice", [](auto& s) { *s.add_refusals() = s.refusals(0); }},
  };
  CheckThatEachIsFound(ARoundInProgress(), damages);
}

TEST_CASE("damaged quarantines are refused by name") {
  round::RoundFixture run;
  round::Options options = round::RoundFixture::SmallRounds();
  options.quarantine = {.strikes = 2, .rounds = 3};
  run.StartRunWith(options);
  run.CheckIn({"ann", "bob", "cid"});
  run.Returns("ann", {.defect = round::Refusal::kOverBound});
  run.Return({"bob", "cid"});
  run.ModelIsMade();
  run.CheckIn({"ann", "dan", "eli"});
  run.Returns("dan", {.defect = round::Refusal::kOverBound});
  run.Returns("ann", {.defect = round::Refusal::kOverBound});
  run.ChecksIn("fay");
  const auto add = [](auto* to, const char* client, std::uint32_t number) {
    auto* added = to->Add();
    added->set_client(client);
    added->set_number(number);
  };
  CheckThatEachIsFound(
      ToMessage(run.state()),
      {
          {"a strike 0 is not in",
           [&](auto& s) { add(s.mutable_strikes(), "zoe", 0); }},
          {"a strike 3000000 is not in",
           [&](auto& s) { add(s.mutable_strikes(), "zoe", 3'000'000); }},
          {"a strike of a client twice",
           [&](auto& s) { add(s.mutable_strikes(), "dan", 1); }},
          {"a client name of 0 bytes",
           [&](auto& s) { add(s.mutable_quarantined(), "", 5); }},
          {"a quarantine of a client twice",
           [&](auto& s) { add(s.mutable_quarantined(), "ann", 9); }},
          {"a quarantine that is over",
           [&](auto& s) { add(s.mutable_quarantined(), "zoe", 2); }},
          {"a client in quarantine with strikes",
           [&](auto& s) { add(s.mutable_quarantined(), "dan", 9); }},
          {"a client in quarantine that waits",
           [&](auto& s) { add(s.mutable_quarantined(), "fay", 9); }},
      });
}

// edge-1 has handed up a1 and a2, edge-2 is in its fourth epoch; zed waits.
v1::EngineState ATreesRound() {
  round::RoundFixture run;
  run.StartRunWith(round::RoundFixture::Tree());
  run.AggregatorChecksIn("edge-1");
  run.AggregatorChecksIn("edge-2");
  run.AggregatorChecksIn("edge-2", 4);
  run.Returns("edge-1", {.leaves = {"a1", "a2"}});
  run.AggregatorChecksIn("edge-3");
  run.ChecksIn("zed");
  return ToMessage(run.state());
}

TEST_CASE("damaged states of a tree's round are refused by name") {
  const auto first = [](v1::EngineState& s) {
    return s.mutable_collecting()->mutable_cohort(0);
  };
  CheckThatEachIsFound(
      ATreesRound(),
      {
          {"a participant of role 2",
           [&](auto& s) { first(s)->set_role(v1::EVALUATOR); }},
          {"a sum of a client that is no aggregator",
           [&](auto& s) { first(s)->clear_role(); }},
          {"a sum that is not of its leaves",
           [&](auto& s) { first(s)->set_leaves(1, "a3"); }},
          {"a sum that is not of its leaves",
           [&](auto& s) { first(s)->clear_leaves(); }},
          {"a sum that is not of its leaves",
           [&](auto& s) { first(s)->mutable_contribution()->clear_subtree(); }},
          {"a sum that is not of its leaves",
           [&](auto& s) { first(s)->set_declared_weight(9); }},
          {"names are sorted", [&](auto& s) { first(s)->set_leaves(1, "a1"); }},
          {"a name of leaves that is no SHA-256",
           [&](auto& s) {
             first(s)
                 ->mutable_contribution()
                 ->mutable_subtree()
                 ->set_leaves_sha256("abc");
           }},
          {"a1 counts through edge-1; 1 more",
           [&](auto& s) {
             auto* other = s.mutable_collecting()->add_cohort();
             *other = *first(s);
             other->set_client("edge-9");
           }},
          {"an aggregator where none is asked",
           [](auto& s) { s.mutable_collecting()->clear_ledger(); }},
          {"a fence of no epoch, or twice",
           [](auto& s) {
             auto* fences =
                 s.mutable_collecting()->mutable_ledger()->mutable_fences();
             *fences->Add() = fences->Get(0);
           }},
          {"a fence of no epoch, or twice",
           [](auto& s) {
             s.mutable_collecting()
                 ->mutable_ledger()
                 ->mutable_fences(0)
                 ->set_epoch(0);
           }},
          {"a client that waits as an aggregator too",
           [](auto& s) { s.add_aggregators("zed"); }},
          {"an aggregator in quarantine that waits",
           [](auto& s) {
             auto* added = s.add_quarantined();
             added->set_client("edge-3");
             added->set_number(9);
           }},
          {"a deadline of no task", [](auto& s) { s.set_task_deadline_ms(7); }},
          {"a key of 3 bytes", [](auto& s) { s.set_round_seed("abc"); }},
      });
}

TEST_CASE("damaged states of an aggregator are refused by name") {
  round::RoundFixture run;
  run.StartRunWith(round::RoundFixture::Edge());
  run.TaskIsGiven();
  CheckThatEachIsFound(
      ToMessage(run.state()),
      {
          {"a deadline of no task", [](auto& s) { s.mutable_resting(); }},
          {"a deadline of no task", [](auto& s) { s.clear_round_seed(); }},
      });
}

// Ann's and bob's updates are a model that is being made, cid's is kept for the
// next, dan and eli train.
struct ABuffer : round::RoundFixture {
  ABuffer() {
    StartRunWith(Buffers());
    CheckIn({"ann", "bob", "cid"});
    Return({"ann", "bob"});
    CheckIn({"dan", "eli"});
    Return({"cid"});
  }
};

TEST_CASE("damaged tasks of asynchronous rounds are refused by name") {
  ABuffer run;
  const v1::EngineState whole = ToMessage(run.state());
  REQUIRE(whole.open_tasks(0).client() == "cid");
  REQUIRE(whole.open_tasks(0).has_arrived());
  CheckThatEachIsFound(
      whole,
      {
          {"an update that cannot count",
           [](auto& s) {
             s.mutable_open_tasks(0)->mutable_arrived()->set_weight(0);
           }},
          {"an update that cannot count",
           [](auto& s) {
             s.mutable_open_tasks(0)->mutable_arrived()->set_train_loss(1e300 *
                                                                        1e300);
           }},
          {"a client with two tasks",
           [](auto& s) { *s.add_open_tasks() = s.open_tasks(1); }},
          {"a client with two past tasks",
           [](auto& s) { *s.add_past_tasks() = s.past_tasks(0); }},
          {"a task of a round to come",
           [](auto& s) { s.mutable_open_tasks(1)->set_round(2); }},
          {"a task of a round to come",
           [](auto& s) { s.mutable_past_tasks(0)->set_round(9); }},
          {"a round 0",
           [](auto& s) { s.mutable_open_tasks(1)->clear_round(); }},
          {"an attempt 0",
           [](auto& s) { s.mutable_past_tasks(0)->clear_attempt(); }},
          {"a token of 1 bytes",
           [](auto& s) { s.mutable_open_tasks(1)->set_token("x"); }},
          {"a model id of 3 bytes",
           [](auto& s) { s.mutable_open_tasks(1)->set_model("abc"); }},
          {"a client name of 0 bytes",
           [](auto& s) { s.mutable_past_tasks(0)->clear_client(); }},
          {"is over 2^53",
           [](auto& s) {
             s.mutable_open_tasks(1)->set_deadline_ms(std::uint64_t{1} << 60);
           }},
          {"is over 2^53",
           [](auto& s) {
             s.mutable_past_tasks(0)->set_rests_until_ms(std::uint64_t{1}
                                                         << 60);
           }},
          {"unknown refusal 77",
           [](auto& s) {
             s.mutable_past_tasks(0)->set_answer(static_cast<v1::Refusal>(77));
           }},
          {"a round of nobody",
           [](auto& s) { s.mutable_released()->clear_cohort(); }},
      });
}

TEST_CASE("damaged buffers are refused by name") {
  ABuffer run;
  run.ModelIsMade();
  const v1::EngineState whole = ToMessage(run.state());
  REQUIRE(whole.buffering().cohort_size() == 1);
  REQUIRE(whole.buffering().cohort(0).staleness() == 1);
  const auto cid = [](auto& s) {
    return s.mutable_buffering()->mutable_cohort(0);
  };
  CheckThatEachIsFound(
      whole,
      {
          {"a client in the buffer without an update",
           [&](auto& s) { cid(s)->set_state(v1::EngineParticipant::ASKED); }},
          {"a counted update without a weight",
           [&](auto& s) { cid(s)->mutable_contribution()->clear_weight(); }},
          {"a staleness of 2 in round 2",
           [&](auto& s) { cid(s)->set_staleness(2); }},
          {"a staleness of 3000000000",
           [&](auto& s) { cid(s)->set_staleness(3'000'000'000); }},
          {"an update that waits for no model",
           [&](auto& s) {
             *s.mutable_open_tasks(0)->mutable_arrived() =
                 cid(s)->contribution();
           }},
      });
}

TEST_CASE("damaged steps are refused by name") {
  using Damage = std::function<void(v1::EngineStep&)>;
  const std::vector<std::pair<std::string, Damage>> damages = {
      {"a step without an event", [](auto&) {}},
      {"is over 2^53", [](auto& s) { s.set_now_ms(std::uint64_t{1} << 54); }},
      {"a client name of 0 bytes",
       [](auto& s) { s.mutable_event()->mutable_left(); }},
      {"a role of 3",
       [](auto& s) {
         auto* check_in = s.mutable_event()->mutable_check_in();
         check_in->set_client("ann");
         check_in->set_role(v1::OPERATOR);
       }},
      {"a token of 0 bytes",
       [](auto& s) {
         s.mutable_event()->mutable_task_failed()->set_client("ann");
       }},
      {"a metric twice",
       [](auto& s) {
         auto* arrived = s.mutable_event()->mutable_evaluation_arrived();
         arrived->set_client("eve");
         arrived->set_token(std::string(16, 't'));
         arrived->add_metrics()->set_name("loss");
         arrived->add_metrics()->set_name("loss");
       }},
      {"33 metrics",
       [](auto& s) {
         auto* arrived = s.mutable_event()->mutable_evaluation_arrived();
         arrived->set_client("eve");
         arrived->set_token(std::string(16, 't'));
         for (int i = 0; i < 33; ++i) {
           arrived->add_metrics()->set_name(std::to_string(i));
         }
       }},
      {"a round 0",
       [](auto& s) { s.mutable_event()->mutable_model_released(); }},
      {"a clip norm of -1",
       [](auto& s) {
         auto* made = s.mutable_event()->mutable_model_released();
         made->set_round(1);
         made->set_model(std::string(32, 'm'));
         made->set_next_clip_norm(-1);
       }},
      {"a training loss that is not finite",
       [](auto& s) {
         auto* made = s.mutable_event()->mutable_model_released();
         made->set_round(1);
         made->set_model(std::string(32, 'm'));
         made->mutable_aggregates()->set_train_loss(1e300 * 1e300);
       }},
      {"a client twice in a list",
       [](auto& s) {
         auto* made = s.mutable_event()->mutable_model_released();
         made->set_round(1);
         made->set_model(std::string(32, 'm'));
         made->add_outliers("ann");
         made->add_outliers("ann");
       }},
      {"unknown step 0",
       [](auto& s) {
         auto* answered = s.mutable_event()->mutable_secure_answered();
         answered->set_client("ann");
         answered->set_token(std::string(16, 't'));
       }},
      {"an attempt 0",
       [](auto& s) {
         s.mutable_event()->mutable_secure_step_closed()->set_round(1);
       }},
      {"a client twice in a list",
       [](auto& s) {
         auto* closed = s.mutable_event()->mutable_secure_step_closed();
         closed->set_round(1);
         closed->set_attempt(1);
         closed->set_step(v1::OPENING);
         closed->add_remaining("ann");
         closed->add_remaining("ann");
       }},
      {"a session of 4000000000 clients",
       [](auto& s) {
         auto* abandoned = s.mutable_event()->mutable_secure_abandoned();
         abandoned->set_round(1);
         abandoned->set_attempt(1);
         abandoned->set_count(4'000'000'000);
       }},
      {"a key of 0 bytes",
       [](auto& s) {
         auto* given = s.mutable_event()->mutable_task_given();
         given->set_round(1);
         given->set_attempt(1);
         given->set_model(std::string(32, 'm'));
       }},
      {"an attempt 0",
       [](auto& s) { s.mutable_event()->mutable_task_over()->set_round(1); }},
      {"names are sorted",
       [](auto& s) {
         auto* arrived = s.mutable_event()->mutable_update_arrived();
         arrived->set_client("edge");
         arrived->set_token(std::string(16, 't'));
         arrived->mutable_contribution()->set_base_model(std::string(32, 'm'));
         arrived->add_leaves("b");
         arrived->add_leaves("a");
       }},
      {"a reason too long",
       [](auto& s) {
         auto* abandoned = s.mutable_event()->mutable_secure_abandoned();
         abandoned->set_round(1);
         abandoned->set_attempt(1);
         abandoned->set_reason(std::string(5000, 'x'));
       }},
  };
  for (const auto& [message, damage] : damages) {
    v1::EngineStep step;
    damage(step);
    const auto read = FromMessage(step);
    INFO(message << ": " << read.status().ToString());
    CHECK(read.status().code() == absl::StatusCode::kDataLoss);
    CHECK(read.status().message().find(message) != std::string::npos);
  }
}

TEST_CASE("bytes that are no message are refused") {
  CHECK_FALSE(DecodeState("\xff\xff\xff").ok());
  CHECK_FALSE(DecodeStep("\xff\xff\xff").ok());
  CHECK_FALSE(DecodeState("").ok());
  CHECK_FALSE(DecodeStep("").ok());
}

TEST_CASE("a torn state is refused, or is a shorter whole message") {
  const std::string bytes = ARoundInProgress().SerializeAsString();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    // Must not crash; a cut between fields can still parse.
    (void)DecodeState(bytes.substr(0, length));
  }
  CHECK(DecodeState(bytes).ok());
}

TEST_CASE("names that are not UTF-8 can be read back") {
  const TimedEvent step{round::Left{round::ClientId{"\xc3\x28"}}, {}};
  const auto read = DecodeStep(EncodeStep(step));
  REQUIRE(read.ok());
  CHECK(*read == step);
}

}  // namespace
}  // namespace tributary::checkpoint
