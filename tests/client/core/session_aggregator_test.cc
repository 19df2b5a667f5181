// SPDX-License-Identifier: Apache-2.0
// An aggregator to its parent: sessions and epochs, sums that are made again,
// and what it goes on with after a restart.
#include <string>
#include <vector>

#include "tests/client/core/session_fixture.h"

#include "tests/catch.h"

namespace tributary::session {
namespace {

v1::Task SubtreeTaskNamed(char letter) {
  v1::Task task = TaskNamed(letter);
  task.mutable_subtree()->set_tier(1);
  return task;
}
v1::UpdateHeader SumFor(const v1::Task& task, std::uint32_t leaves = 8) {
  v1::UpdateHeader header = HeaderFor(task);
  header.set_weight(0);
  header.mutable_partial_sum()->set_epoch(5);
  header.mutable_partial_sum()->set_leaves(leaves);
  return header;
}
v1::ServerMessage WelcomeTo(std::uint64_t session, std::uint64_t epoch) {
  v1::ServerMessage message = Welcome();
  message.mutable_welcome()->set_session(session);
  message.mutable_welcome()->set_epoch(epoch);
  return message;
}
v1::ServerMessage Overlap(const v1::Task& task,
                          const std::vector<std::string>& leaves) {
  v1::ServerMessage message = Refuse(task, v1::OVERLAP);
  for (const std::string& leaf : leaves) {
    message.mutable_verdict()->add_overlap(leaf);
  }
  return message;
}
Options Of(AggregatorOptions aggregator) {
  Options options;
  options.role = v1::AGGREGATOR;
  options.aggregator = std::move(aggregator);
  return options;
}

const v1::Task task = SubtreeTaskNamed('a');

class AggregatorFixture : public SessionFixture {
 public:
  explicit AggregatorFixture(AggregatorOptions aggregator = {})
      : SessionFixture(Of(std::move(aggregator))) {}

  void IsWelcomed(std::uint64_t session, std::uint64_t epoch) {
    Happens(Connected{});
    Hears(WelcomeTo(session, epoch));
    Happens(SessionStored{session});
  }
  void Collects() {
    Happens(Started{});
    IsWelcomed(5, 5);
    Hears(Offer(task));
    Happens(Fetched{ModelOf(task)});
  }
  void HasAnnounced() {
    Collects();
    Happens(Trained{task.task_token(), SumFor(task), 0});
  }
};

TEST_CASE_METHOD(
    AggregatorFixture,
    "an aggregator says nothing in a session before it is stored") {
  Happens(Started{});
  Happens(Connected{});
  REQUIRE(Sends(v1::ClientMessage::kHello) == 1);
  CHECK(Find<Send>()->message.hello().session() == 0);
  CHECK(Find<Send>()->message.hello().role() == v1::AGGREGATOR);
  Hears(WelcomeTo(5, 5));
  REQUIRE(Wants<StoreSession>());
  CHECK(Find<StoreSession>()->session == 5);
  CHECK(Find<StoreSession>()->epoch == 5);
  CHECK_FALSE(Wants<Send>());
  Hears(Offer(task));
  CHECK(effects_.empty());
  Happens(SessionStored{4});
  CHECK(effects_.empty());
  Happens(SessionStored{5});
  CHECK(ChecksIn());

  CutOff();
  PassUntilWakeUp();
  Happens(Connected{});
  CHECK(Find<Send>()->message.hello().session() == 5);
}

TEST_CASE_METHOD(AggregatorFixture,
                 "a parent that knows no sessions is left for good") {
  Happens(Started{});
  Happens(Connected{});
  Hears(Welcome());
  CHECK(HasEnded());
}

TEST_CASE_METHOD(AggregatorFixture,
                 "leaves that count through others are taken out, and the rest "
                 "is announced again") {
  HasAnnounced();
  CHECK(Announces());
  Hears(Grant(task, 0));
  Hears(Overlap(task, {"leaf-1", "leaf-4"}));
  CHECK(Wants<CancelUpload>());
  REQUIRE(Wants<TakeOut>());
  CHECK(Find<TakeOut>()->leaves ==
        std::vector<std::string>{"leaf-1", "leaf-4"});
  CHECK_FALSE(Wants<ForgetTask>());
  Happens(Trained{task.task_token(), SumFor(task, 6), 0});
  REQUIRE(Announces());
  CHECK(Find<Send>()->message.update_ready().header().partial_sum().leaves() ==
        6);
  Hears(Accept(task));
  CHECK(Wants<SaveState>());
  CHECK(Wants<NoteCounted>());
  CHECK(Wants<ForgetTask>());
}

TEST_CASE_METHOD(AggregatorFixture, "an overlap of nothing fails the task") {
  HasAnnounced();
  Hears(Overlap(task, {}));
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
}

TEST_CASE_METHOD(AggregatorFixture, "a sum of no leaves fails the task") {
  Collects();
  Happens(Trained{task.task_token(), SumFor(task, 0), 0});
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
}

TEST_CASE_METHOD(AggregatorFixture,
                 "why a sum was given up is said to the parent") {
  Collects();
  Happens(WorkFailed{task.task_token(), "1 of at least 4 updates"});
  REQUIRE(Sends(v1::ClientMessage::kTaskFailed) == 1);
  CHECK(Find<Send>()->message.task_failed().message() ==
        "1 of at least 4 updates");
}

TEST_CASE_METHOD(AggregatorFixture,
                 "in an epoch that goes on the sum goes up after all") {
  HasAnnounced();
  CutOff();
  PassUntilWakeUp();
  Happens(Connected{});
  Hears(WelcomeTo(6, 5));
  CHECK_FALSE(Wants<ForgetTask>());
  Happens(SessionStored{6});
  CHECK(Announces());
}

TEST_CASE_METHOD(AggregatorFixture,
                 "a new epoch drops what was held before it is stored") {
  HasAnnounced();
  CutOff();
  PassUntilWakeUp();
  Happens(Connected{});
  Hears(WelcomeTo(6, 6));
  REQUIRE(effects_.size() == 2);
  CHECK(std::holds_alternative<ForgetTask>(effects_[0]));
  CHECK(std::holds_alternative<StoreSession>(effects_[1]));
  Happens(SessionStored{6});
  CHECK(ChecksIn());
  CHECK_FALSE(Announces());
}

TEST_CASE_METHOD(AggregatorFixture,
                 "whose epoch is over joins again, with nothing in hand") {
  HasAnnounced();
  Hears(Refuse(task, v1::EPOCH_OVER));
  CHECK(Wants<ForgetTask>());
  CHECK(Wants<Disconnect>());
  PassUntilWakeUp();
  CHECK(Wants<Connect>());
}

TEST_CASE_METHOD(AggregatorFixture,
                 "a client's task is not an aggregator's, nor the other way") {
  Happens(Started{});
  IsWelcomed(5, 5);
  Hears(Offer(TaskNamed('b')));
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);

  SessionFixture client;
  client.Join();
  client.Hears(Offer(task));
  CHECK(client.Sends(v1::ClientMessage::kTaskFailed) == 1);
  CHECK_FALSE(client.Wants<Fetch>());
}

class RestartedFixture : public AggregatorFixture {
 public:
  RestartedFixture() : AggregatorFixture({.sessions = {5}, .task = task}) {}
};

TEST_CASE_METHOD(
    RestartedFixture,
    "a restarted aggregator makes its sum again and announces it") {
  Happens(Started{});
  REQUIRE(Wants<StartTraining>());
  CHECK(Find<StartTraining>()->task.task_token() == task.task_token());
  Happens(Trained{task.task_token(), SumFor(task), 0});
  Happens(Connected{});
  CHECK(Find<Send>()->message.hello().session() == 5);
  Hears(WelcomeTo(7, 3));
  Happens(SessionStored{7});
  CHECK(Announces());
}

TEST_CASE_METHOD(RestartedFixture,
                 "a restarted aggregator whose epoch is over drops its sum") {
  Happens(Started{});
  Happens(Trained{task.task_token(), SumFor(task), 0});
  Happens(Connected{});
  Hears(WelcomeTo(7, 7));
  CHECK(Wants<ForgetTask>());
  Happens(SessionStored{7});
  CHECK_FALSE(Announces());
  CHECK(ChecksIn());
}

}  // namespace
}  // namespace tributary::session
