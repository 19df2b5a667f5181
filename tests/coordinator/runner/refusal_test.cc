// SPDX-License-Identifier: Apache-2.0
// What clients do wrong is refused with its reason, and the round goes on.
#include <cmath>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/coordinator/runner/federation.h"

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// Two clients with a task each; the quorum is one.
struct OpenRound {
  explicit OpenRound(
      v1::UpdatePlan::Encoding encoding = v1::UpdatePlan::FLOAT32)
      : run(federation.Submit(MakePlan({.clients = 2,
                                        .min_updates = 1,
                                        .rounds = 1,
                                        .encoding = encoding}))) {
    federation.Join("good");
    federation.CheckIn("good");
    federation.Join("bad");
    federation.CheckIn("bad");
    // Offered in the order of their names.
    bad = federation.AwaitTask("bad");
    good = federation.AwaitTask("good");
  }
  // The other's update is all there is in the model.
  void CheckGoesOnWithout(const std::string& reason) {
    const TestUpdate update = MakeUpdate(good);
    CHECK(federation.Return("good", update).accepted());
    federation.mail().Await(
        [](const Letter& letter) { return letter.message.has_come_back(); });
    const v1::RunDetail shown = federation.Show(run);
    CHECK(shown.summary().state() == v1::FINISHED);
    REQUIRE(shown.rounds_size() == 1);
    CHECK(shown.rounds(0).accepted() == 1);
    CHECK(shown.refusals().count(reason) == 1);
    CHECK(federation.MetricOf("tributary_refusals_total",
                              {{"reason", reason}}) >= 1);
    const auto expected =
        OracleModels(MakePlan({.clients = 2, .rounds = 1}), {{update}});
    CHECK(federation.ModelBytes(run, 1) == expected[0]);
  }

  Federation federation;
  std::string run;
  v1::Task good;
  v1::Task bad;
};

TestUpdate WithValue(const v1::Task& task, std::size_t index, float value) {
  TestUpdate update = MakeUpdate(task);
  update.values.at(index) = value;
  return MakeUpdate(task, std::move(update.values));
}

TEST_CASE("values that are not finite or over the bound are refused") {
  struct Fault {
    float value;
    v1::Refusal reason;
    std::string name;
  };
  const auto fault = GENERATE(
      Fault{std::nanf(""), v1::NOT_FINITE, "not_finite"},
      Fault{std::numeric_limits<float>::infinity(), v1::NOT_FINITE,
            "not_finite"},
      Fault{std::numeric_limits<float>::max(), v1::OVER_BOUND, "over_bound"},
      Fault{-1.001f, v1::OVER_BOUND, "over_bound"});
  const std::size_t index = GENERATE(0u, 150'000u, 220'037u);
  OpenRound round;
  const v1::Verdict verdict =
      round.federation.Return("bad", WithValue(round.bad, index, fault.value));
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == fault.reason);
  round.CheckGoesOnWithout(fault.name);
}

TEST_CASE("an update that is not the announced one is refused") {
  OpenRound round;
  TestUpdate update = MakeUpdate(round.bad);
  v1::Refusal reason = v1::REFUSAL_UNSPECIFIED;
  std::string name;
  SECTION("another length announced") {
    update.header.set_size(update.header.size() - 4);
    reason = v1::WRONG_SIZE;
    name = "wrong_size";
  }
  SECTION("more bytes than announced") {
    update.bytes += "more";
    reason = v1::WRONG_SIZE;
    name = "wrong_size";
  }
  SECTION("other bytes") {
    update.bytes[1'000] = static_cast<char>(update.bytes[1'000] ^ 1);
    reason = v1::BAD_CHECKSUM;
    name = "bad_checksum";
  }
  SECTION("another encoding") {
    update.header.set_encoding(v1::UpdatePlan::INT8);
    reason = v1::BAD_ENCODING;
    name = "bad_encoding";
  }
  SECTION("another model") {
    update.header.mutable_base_model()->front() ^= 1;
    reason = v1::STALE_MODEL;
    name = "stale_model";
  }
  SECTION("no examples") {
    update.header.set_weight(0);
    reason = v1::BAD_WEIGHT;
    name = "bad_weight";
  }
  SECTION("a loss that is not finite") {
    update.header.set_train_loss(std::nan(""));
    reason = v1::NOT_FINITE;
    name = "not_finite";
  }
  const v1::Verdict verdict = round.federation.Return("bad", update);
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == reason);
  CHECK_FALSE(verdict.detail().empty());
  round.CheckGoesOnWithout(name);
}

TEST_CASE("garbage that no decoder takes is refused") {
  OpenRound round(v1::UpdatePlan::TOP_K);
  TestUpdate update = MakeUpdate(round.bad);
  // A count over the block's length. It is refused before its checksum is
  // known.
  update.bytes.replace(0, 4, "\xff\xff\xff\xff");
  const v1::Verdict verdict = round.federation.Return("bad", update);
  CHECK(verdict.reason() == v1::BAD_ENCODING);
}

TEST_CASE("another client's token opens nothing and counts nothing") {
  OpenRound round;
  TestUpdate stolen = MakeUpdate(round.good);
  const v1::Verdict verdict = round.federation.Return("bad", stolen);
  CHECK_FALSE(verdict.accepted());
  CHECK(verdict.reason() == v1::UNKNOWN_TASK);

  // Granted to its owner, it cannot be used by the thief.
  round.federation.Announce("good", stolen.header);
  CHECK(round.federation.AwaitGrant("good").offset() == 0);
  CHECK(absl::IsPermissionDenied(round.federation.Upload("bad", stolen, 0)));
  CHECK(round.federation.Upload("good", stolen, 0).ok());
  CHECK(round.federation.AwaitVerdict("good").accepted());
}

TEST_CASE("the same update again is acknowledged and counted once") {
  OpenRound round;
  const TestUpdate update = MakeUpdate(round.bad);
  CHECK(round.federation.Return("bad", update).accepted());
  CHECK(round.federation.Return("bad", update).accepted());
  TestUpdate other = MakeUpdate(round.bad);
  other.header.set_weight(other.header.weight() + 1);
  const v1::Verdict verdict = round.federation.Return("bad", other);
  CHECK(verdict.reason() == v1::DUPLICATE);
  CHECK(round.federation.Show(round.run).accepted_updates() == 1);
}

TEST_CASE("an upload without a grant, or from another byte, is not opened") {
  OpenRound round;
  const TestUpdate update = MakeUpdate(round.bad);
  CHECK(absl::IsFailedPrecondition(round.federation.Upload("bad", update, 0)));
  round.federation.Announce("bad", update.header);
  round.federation.AwaitGrant("bad");
  CHECK(absl::IsOutOfRange(round.federation.Upload("bad", update, 8)));
  CHECK(round.federation.Upload("bad", update, 0).ok());
}

TEST_CASE("a broken upload goes on where it broke off") {
  OpenRound round;
  TestUpdate update = MakeUpdate(round.bad);
  round.federation.Announce("bad", update.header);
  round.federation.AwaitGrant("bad");
  TestUpdate half = update;
  half.bytes.resize(half.bytes.size() / 3);
  // The connection broke: fewer bytes than announced are no offence.
  CHECK(absl::IsOutOfRange(round.federation.Upload("bad", half, 0)));
  round.federation.Announce("bad", update.header);
  const v1::UploadGrant grant = round.federation.AwaitGrant("bad");
  CHECK(grant.offset() == half.bytes.size());
  CHECK(round.federation.Upload("bad", update, grant.offset()).ok());
  CHECK(round.federation.AwaitVerdict("bad").accepted());
}

using Facts = std::vector<std::pair<std::string, std::string>>;

// What the coordinator logs, from any thread.
class LogBook {
 public:
  void Listen(Federation& federation) {
    federation.Close();
    federation.options().log = [this](const coordinator::LogEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    };
    federation.Open();
  }
  // Facts of the events with this sentence.
  std::vector<Facts> FactsOf(const std::string& message) {
    const std::lock_guard lock(mutex_);
    std::vector<Facts> facts;
    for (const coordinator::LogEvent& event : events_) {
      if (event.message == message) facts.push_back(event.fields);
    }
    return facts;
  }

 private:
  std::mutex mutex_;
  std::vector<coordinator::LogEvent> events_;
};

TEST_CASE("a revoked client is out, and its uncounted work is void") {
  LogBook log;
  Federation federation;
  log.Listen(federation);
  const std::string run = federation.Submit(
      MakePlan({.clients = 2, .min_updates = 1, .rounds = 1}));
  federation.Join("bad", "pumps", v1::TRAINER, "0A");
  federation.CheckIn("bad");
  federation.Join("good");
  federation.CheckIn("good");
  const v1::Task bad = federation.AwaitTask("bad");
  const v1::Task good = federation.AwaitTask("good");
  TestUpdate update = MakeUpdate(bad);
  federation.Announce("bad", update.header);
  federation.AwaitGrant("bad");

  federation.coordinator().SetRevoked({"0A"});
  const Letter closed = federation.mail().Await(
      [](const Letter& letter) { return !letter.closed.ok(); });
  CHECK(closed.to == "bad");
  const auto refusals = [&] {
    return federation.MetricOf("tributary_refusals_total",
                               {{"reason", "revoked"}});
  };
  CHECK(refusals() == 1);
  REQUIRE(log.FactsOf("client revoked").size() == 1);
  CHECK(log.FactsOf("client revoked")[0] ==
        Facts{{"client", "bad"}, {"serial", "0A"}});
  // The same list again finds nobody.
  federation.coordinator().SetRevoked({"0A"});
  CHECK(refusals() == 1);
  CHECK(absl::IsPermissionDenied(federation.Upload("bad", update, 0)));
  CHECK(federation.coordinator().IsRevoked("0A"));
  v1::Hello hello;
  hello.set_min_wire_version(1);
  hello.set_max_wire_version(1);
  hello.set_population("pumps");
  struct Nobody final : coordinator::Peer {
    void Send(const v1::ServerMessage&) override {}
    void Close(const absl::Status&) override {}
    bool IsWriting() const override { return false; }
  };
  CHECK(absl::IsPermissionDenied(
      federation.coordinator()
          .Join({.name = "bad", .role = v1::TRAINER, .serial = "0A"}, hello,
                std::make_shared<Nobody>())
          .status()));
  // The round closes with the other alone: nobody is left to wait for.
  CHECK(federation.Return("good", MakeUpdate(good)).accepted());
  federation.mail().Await(
      [](const Letter& letter) { return letter.message.has_come_back(); });
  CHECK(federation.Show(run).rounds(0).accepted() == 1);
}

TEST_CASE("the revocation of a replaced certificate voids nothing") {
  Federation federation;
  const std::string run = federation.Submit(
      MakePlan({.clients = 1, .min_updates = 1, .rounds = 1}));
  federation.Join("rotated", "pumps", v1::TRAINER, "0A");
  federation.Join("rotated", "pumps", v1::TRAINER, "0B");
  federation.CheckIn("rotated");
  const v1::Task task = federation.AwaitTask("rotated");
  const bool is_away = GENERATE(false, true);
  if (is_away) federation.Leave("rotated");
  federation.coordinator().SetRevoked({"0A"});
  if (is_away) federation.Join("rotated", "pumps", v1::TRAINER, "0B");
  CHECK(federation.Return("rotated", MakeUpdate(task)).accepted());
}

TEST_CASE("the revocation of the newest certificate voids its work") {
  Federation federation;
  federation.Submit(MakePlan({.clients = 1, .min_updates = 1, .rounds = 1}));
  federation.Join("rotated", "pumps", v1::TRAINER, "0A");
  federation.Join("rotated", "pumps", v1::TRAINER, "0B");
  federation.CheckIn("rotated");
  const v1::Task task = federation.AwaitTask("rotated");
  federation.Leave("rotated");
  federation.coordinator().SetRevoked({"0A"});
  federation.coordinator().SetRevoked({"0A", "0B"});
  federation.Join("rotated", "pumps", v1::TRAINER, "0C");
  CHECK_FALSE(federation.Return("rotated", MakeUpdate(task)).accepted());
}

TEST_CASE("a hello that does not fit is refused") {
  Federation federation;
  struct Nobody final : coordinator::Peer {
    void Send(const v1::ServerMessage&) override {}
    void Close(const absl::Status&) override {}
    bool IsWriting() const override { return false; }
  };
  coordinator::Identity identity{
      .name = "a", .role = v1::TRAINER, .serial = {}};
  v1::Hello hello;
  hello.set_min_wire_version(1);
  hello.set_max_wire_version(3);
  hello.set_population("pumps");
  const auto join = [&] {
    return federation.coordinator()
        .Join(identity, hello, std::make_shared<Nobody>())
        .status();
  };
  CHECK(join().ok());
  SECTION("version") {
    hello.set_min_wire_version(2);
    CHECK(absl::IsFailedPrecondition(join()));
  }
  SECTION("name") {
    hello.set_client_name("b");
    CHECK(absl::IsPermissionDenied(join()));
  }
  SECTION("role") {
    identity.role = v1::OPERATOR;
    CHECK(absl::IsPermissionDenied(join()));
  }
  SECTION("population") {
    hello.clear_population();
    CHECK(absl::IsInvalidArgument(join()));
  }
}

TEST_CASE("a newer stream of a client replaces the older") {
  Federation federation;
  federation.Join("client-0");
  federation.Join("client-0");
  const Letter closed = federation.mail().Await(
      [](const Letter& letter) { return !letter.closed.ok(); });
  CHECK(absl::IsAborted(closed.closed));
}

TEST_CASE("malformed messages end the stream") {
  Federation federation;
  federation.Join("client-0");
  v1::ClientMessage message;
  SECTION("empty") {}
  SECTION("a second hello") { message.mutable_hello(); }
  SECTION("a short token") {
    message.mutable_update_ready()->mutable_header()->set_task_token("short");
  }
  SECTION("a metric's name") {
    message.mutable_evaluation()->set_task_token(std::string(16, 'x'));
    (*message.mutable_evaluation()->mutable_metrics())[std::string(65, 'x')] =
        1;
  }
  federation.Say("client-0", message);
  const Letter closed = federation.mail().Await(
      [](const Letter& letter) { return !letter.closed.ok(); });
  CHECK(absl::IsInvalidArgument(closed.closed));
}

TEST_CASE("a refused message about a task does not touch its counted update") {
  OpenRound round;
  Federation& federation = round.federation;
  const TestUpdate update = MakeUpdate(round.bad);
  federation.Announce("bad", update.header);
  federation.AwaitGrant("bad");
  REQUIRE(federation.Upload("bad", update, 0).ok());
  // Names the train task while its update is being synced and judged.
  v1::ClientMessage evaluation;
  evaluation.mutable_evaluation()->set_task_token(round.bad.task_token());
  for (int i = 0; i < 40; ++i) federation.Say("bad", evaluation);
  federation.mail().Await([](const Letter& letter) {
    return letter.message.has_verdict() && letter.message.verdict().accepted();
  });
  CHECK(federation.Show(round.run).summary().state() == v1::RUNNING);
  CHECK(federation.Return("good", MakeUpdate(round.good)).accepted());
  // A verdict goes out before the board is written.
  CHECK(federation.Show(round.run).accepted_updates() >= 1);
}

TEST_CASE("a client in quarantine is not asked, also after a restart") {
  Federation federation;
  PlanChoice choice{.clients = 3, .min_updates = 2, .rounds = 3};
  choice.sections = "quarantine: {strikes: 1, rounds: 1}";
  v1::Plan plan = MakePlan(choice);
  plan.mutable_round()->mutable_selection_timeout()->set_nanos(500'000'000);
  const std::string run = federation.Submit(plan);
  const std::vector<std::string> all = {"ann", "bob", "mal"};
  federation.ComeBack(all);
  const v1::Task task = federation.AwaitTask("mal");
  // Whatever the others were sent meanwhile is sent again after the restart.
  CHECK_FALSE(
      federation.Return("mal", WithValue(task, 0, std::nanf(""))).accepted());
  federation.Settle();
  CHECK(federation.Show(run).quarantined_clients() == 1);
  CHECK(federation.MetricOf("tributary_quarantined_clients", {{"run", run}}) ==
        1);

  federation.Close();
  federation.Open();
  CHECK(federation.Show(run).quarantined_clients() == 1);
  CHECK(federation.MetricOf("tributary_quarantined_clients", {{"run", run}}) ==
        1);
  std::set<int> of_mal;
  federation.mail().overhear = [&](const Letter& letter) {
    if (letter.to == "mal" && letter.message.has_task()) {
      of_mal.insert(static_cast<int>(letter.message.task().round()));
    }
  };
  federation.ComeBack(all);
  while (const auto letter = federation.NextLetter(run)) {
    federation.React(*letter);
  }
  CHECK(federation.Show(run).summary().state() == v1::FINISHED);
  CHECK(of_mal == std::set<int>{3});
}

}  // namespace
}  // namespace tributary::testing
