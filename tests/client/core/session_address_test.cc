// SPDX-License-Identifier: Apache-2.0
// A client whose aggregator is gone: the addresses it goes over to, the way
// back, and the one update that it gives for a task wherever it is.
#include <optional>
#include <string>

#include "tests/client/core/session_fixture.h"

#include "tests/catch.h"

namespace tributary::session {
namespace {

using namespace std::chrono_literals;

Options ThreeAddresses() {
  Options options;
  options.addresses = 3;
  return options;
}

class AddressFixture : public SessionFixture {
 public:
  explicit AddressFixture(Options options = ThreeAddresses())
      : SessionFixture(std::move(options)) {}

  // Fails to connect until it tries another address; for how long it did.
  Duration FailsUntilItGoesOver() {
    const Instant begun = now_;
    const int address = Find<Connect>()->address;
    for (int i = 0; i < 1'000; ++i) {
      CutOff();
      while (!Wants<Connect>()) PassUntilWakeUp();
      if (Find<Connect>()->address != address) return now_ - begun;
    }
    return Duration::max();
  }
  void IsWelcomed() {
    Happens(Connected{});
    Hears(Welcome());
  }
};

TEST_CASE_METHOD(AddressFixture,
                 "whoever cannot connect goes over to the next address") {
  Happens(Started{});
  CHECK(Find<Connect>()->address == 0);
  const Duration patience = FailsUntilItGoesOver();
  CHECK(patience >= 30s);
  CHECK(patience <= 30s + 2 * 60s);
  CHECK(Find<Connect>()->address == 1);
  FailsUntilItGoesOver();
  CHECK(Find<Connect>()->address == 2);
  FailsUntilItGoesOver();
  CHECK(Find<Connect>()->address == 0);
}

TEST_CASE_METHOD(AddressFixture,
                 "a stream that broke is no reason to go over at once") {
  Join();
  Pass(3600s);
  CutOff();
  PassUntilWakeUp();
  REQUIRE(Wants<Connect>());
  CHECK(Find<Connect>()->address == 0);
}

TEST_CASE_METHOD(
    AddressFixture,
    "away from home a client with nothing to do looks whether home "
    "answers, and stays if it does not") {
  Happens(Started{});
  FailsUntilItGoesOver();
  IsWelcomed();
  CHECK(ChecksIn());
  CHECK(Wait() > 200s);
  CHECK(Wait() <= 300s);
  PassUntilWakeUp();
  CHECK(Wants<Disconnect>());
  PassUntilWakeUp();
  REQUIRE(Wants<Connect>());
  CHECK(Find<Connect>()->address == 0);
  CutOff();
  PassUntilWakeUp();
  REQUIRE(Wants<Connect>());
  CHECK(Find<Connect>()->address == 1);

  IsWelcomed();
  PassUntilWakeUp();
  PassUntilWakeUp();
  REQUIRE(Wants<Connect>());
  CHECK(Find<Connect>()->address == 0);
  IsWelcomed();
  CHECK(ChecksIn());
  CHECK(Wait() == Duration::max());
}

TEST_CASE_METHOD(AddressFixture, "who has a task does not go home") {
  const v1::Task task = TaskNamed('a');
  Happens(Started{});
  FailsUntilItGoesOver();
  IsWelcomed();
  Hears(Offer(task));
  Happens(Fetched{ModelOf(task)});
  Pass(3600s);
  CHECK_FALSE(Wants<Disconnect>());
  CHECK_FALSE(Wants<CancelWork>());
}

TEST_CASE_METHOD(
    AddressFixture,
    "who is unknown at one address goes on to the next; at home it "
    "is the end") {
  Happens(Started{});
  FailsUntilItGoesOver();
  Happens(Connected{});
  Happens(Disconnected{absl::PermissionDeniedError("who?")});
  CHECK_FALSE(HasEnded());
  PassUntilWakeUp();
  CHECK(Find<Connect>()->address == 2);
  FailsUntilItGoesOver();
  CHECK(Find<Connect>()->address == 0);
  Happens(Connected{});
  Happens(Disconnected{absl::PermissionDeniedError("who?")});
  CHECK(HasEnded());
}

TEST_CASE_METHOD(SessionFixture,
                 "a task whose update was acknowledged is not done under "
                 "another token") {
  const v1::Task first = TaskNamed('a');
  v1::Task again = first;
  again.set_task_token(std::string(16, 'z'));
  Uploading(first);
  Hears(Accept(first));
  REQUIRE(Wants<NoteCounted>());
  const CountedTask counted = Find<NoteCounted>()->task;
  CHECK(counted.name == NameOf(first));
  CHECK(counted.token == first.task_token());

  const auto declines = [](SessionFixture& session, const v1::Task& task) {
    session.Hears(Offer(task));
    return session.Sends(v1::ClientMessage::kTaskFailed) == 1 &&
           !session.Wants<Fetch>();
  };
  CHECK(declines(*this, again));
  CHECK(Find<Send>()->message.task_failed().message() ==
        "this client's update of round 3, attempt 0 of run run-1 was "
        "acknowledged already");

  // Another process of this client.
  Options options;
  options.counted = counted;
  SessionFixture later(options);
  later.Join();
  CHECK(declines(later, again));
  v1::Task next = again;
  SECTION("the next attempt is another task") { next.set_attempt(1); }
  SECTION("the next round is") { next.set_round(4); }
  SECTION("another run is") { next.set_run("run-2"); }
  SECTION("another run of the same name is") {
    next.set_seed(std::string(32, 'q'));
  }
  SECTION("to judge the model is") { next.set_kind(v1::Task::EVALUATE); }
  CHECK_FALSE(declines(later, next));
}

}  // namespace
}  // namespace tributary::session
