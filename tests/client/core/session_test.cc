// SPDX-License-Identifier: Apache-2.0
#include "client/core/session.h"

#include <limits>

#include "tests/client/core/session_fixture.h"

#include "tests/catch.h"

namespace tributary::session {
namespace {

using namespace std::chrono_literals;
using Stage = ClientProgress::Stage;

const v1::Task first = TaskNamed('a');
const v1::Task second = TaskNamed('b');

TEST_CASE_METHOD(SessionFixture, "a session says hello, then checks in") {
  Happens(Started{});
  CHECK(Wants<Connect>());
  Happens(Connected{});
  REQUIRE(Sends(v1::ClientMessage::kHello) == 1);
  CHECK(Find<Send>()->message.hello().population() == "pumps");
  CHECK_FALSE(ChecksIn());
  Hears(Welcome());
  CHECK(ChecksIn());
  CHECK(Reports(Stage::kWaiting));
}

TEST_CASE_METHOD(SessionFixture, "a task runs from the offer to its verdict") {
  Join();
  Hears(Offer(first));
  REQUIRE(Wants<Fetch>());
  CHECK(Find<Fetch>()->digest == ModelOf(first));
  Happens(Fetched{ModelOf(first)});
  CHECK(Wants<StartTraining>());
  Happens(Trained{first.task_token(), HeaderFor(first), 4});
  CHECK(Announces());
  CHECK_FALSE(Wants<StartUpload>());
  Hears(Grant(first, 0));
  REQUIRE(Wants<StartUpload>());
  CHECK(Find<Report>()->progress.saturated == 4);
  Happens(Uploaded{first.task_token()});
  CHECK(effects_.empty());
  Hears(Accept(first));
  CHECK(Wants<SaveState>());
  CHECK(Reports(Stage::kAccepted));
  CHECK(ChecksIn());
  CHECK(session_.accepted() == 1);
}

TEST_CASE_METHOD(SessionFixture, "the archive is fetched after the model") {
  v1::Task task = first;
  task.set_archive(std::string(32, 'x'));
  Join();
  Hears(Offer(task));
  Happens(Fetched{ModelOf(task)});
  REQUIRE(Wants<Fetch>());
  CHECK(Find<Fetch>()->digest == *Digest::FromBytes(task.archive()));
  CHECK_FALSE(Wants<StartTraining>());
  Happens(Fetched{*Digest::FromBytes(task.archive())});
  CHECK(Wants<StartTraining>());
}

TEST_CASE_METHOD(SessionFixture, "an upload goes on at the granted byte") {
  Uploading(first);
  Happens(UploadFailed{first.task_token(), absl::UnavailableError("cut")});
  CHECK_FALSE(Announces());
  PassUntilWakeUp();
  CHECK(Announces());
  Hears(Grant(first, 600));
  REQUIRE(Wants<StartUpload>());
  CHECK(Find<StartUpload>()->offset == 600);
}

TEST_CASE_METHOD(SessionFixture,
                 "a grant beyond the update's end fails the task") {
  FinishedWith(first);
  Hears(Grant(first, 1001));
  CHECK_FALSE(Wants<StartUpload>());
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
}

TEST_CASE_METHOD(SessionFixture, "training goes on while the stream is gone") {
  TrainingOn(first);
  Happens(Disconnected{absl::UnavailableError("gone")});
  CHECK_FALSE(Wants<CancelWork>());
  Reconnect();
  CHECK(ChecksIn());
  Hears(Offer(first));
  CHECK(effects_.empty());
  Happens(Trained{first.task_token(), HeaderFor(first), 0});
  CHECK(Announces());
}

TEST_CASE_METHOD(SessionFixture,
                 "an update finished offline is announced after the welcome") {
  TrainingOn(first);
  Happens(Disconnected{absl::UnavailableError("gone")});
  Happens(Trained{first.task_token(), HeaderFor(first), 0});
  CHECK_FALSE(Announces());
  Reconnect();
  CHECK(Announces());
  CHECK_FALSE(ChecksIn());
  Hears(Offer(first));
  CHECK_FALSE(Announces());
}

TEST_CASE_METHOD(SessionFixture,
                 "a verdict lost with the stream is asked for again") {
  Uploading(first);
  Happens(Uploaded{first.task_token()});
  Happens(Disconnected{absl::UnavailableError("gone")});
  Reconnect();
  // A coordinator that has counted it has nothing to offer until it opens the
  // next round: nobody would ask.
  CHECK(Announces());
  CHECK_FALSE(ChecksIn());
  Hears(Accept(first));
  CHECK(Wants<SaveState>());
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(
    SessionFixture,
    "a coordinator that has no time gets the update all the same") {
  TrainingOn(first);
  Happens(Disconnected{absl::UnavailableError("gone")});
  Reconnect();
  Hears(ComeBackIn(5s, 10s));
  CHECK_FALSE(Wants<CancelWork>());
  Happens(Trained{first.task_token(), HeaderFor(first), 0});
  CHECK(Announces());
  Hears(Refuse(first, v1::TOO_LATE));
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture, "an upload ends with its stream") {
  Uploading(first);
  Happens(Disconnected{absl::UnavailableError("gone")});
  CHECK(Wants<CancelUpload>());
}

TEST_CASE_METHOD(SessionFixture,
                 "another task after a reconnect replaces the one in hand") {
  TrainingOn(first);
  Happens(Disconnected{absl::UnavailableError("gone")});
  Reconnect();
  Hears(Offer(second));
  CHECK(Wants<CancelWork>());
  CHECK(Wants<ForgetTask>());
  CHECK(Wants<Fetch>());
}

TEST_CASE_METHOD(SessionFixture, "a cancelled task stops the trainer") {
  TrainingOn(first);
  Hears(Cancel(second));
  CHECK_FALSE(Wants<CancelWork>());
  Hears(Cancel(first));
  CHECK(Wants<CancelWork>());
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture, "a short window is waited for on the stream") {
  Join();
  Hears(ComeBackIn(10s, 20s));
  CHECK_FALSE(Wants<Disconnect>());
  CHECK(Wait() >= 10s);
  CHECK(Wait() <= 20s);
  const Duration wait = Wait();
  Pass(wait - 1ms);
  CHECK_FALSE(ChecksIn());
  Pass(1ms);
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture, "a long window is waited for off line") {
  Join();
  Hears(ComeBackIn(1h, 2h));
  CHECK(Wants<Disconnect>());
  CHECK(Wait() >= 1h);
  CHECK(Wait() <= 2h);
  PassUntilWakeUp();
  CHECK(Wants<Connect>());
}

TEST_CASE_METHOD(SessionFixture,
                 "a broken stream is no reason to check in early") {
  Join();
  Hears(ComeBackIn(100s, 100s));
  Happens(Disconnected{absl::UnavailableError("gone")});
  Reconnect();
  CHECK_FALSE(ChecksIn());
  PassUntilWakeUp();
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture,
                 "pauses double, with jitter, up to the limit") {
  // 200 pauses after n failures: uniform in [0, bound], so the largest is over
  // 0.9 bound except with probability 0.9^200 = 7e-10.
  Happens(Started{});
  for (const auto& [failures, bound] :
       {std::pair{0, 500.0}, {3, 4000.0}, {20, 60'000.0}}) {
    double longest = 0;
    for (int i = 0; i < 200; ++i) {
      KeyedStream random(Key{}, std::to_string(i));
      Session session({.population = "pumps"}, random);
      Instant now{};
      auto effects = session.Step(Started{}, now);
      for (int failure = 0; failure <= failures; ++failure) {
        effects =
            session.Step(Disconnected{absl::UnavailableError("gone")}, now);
        const Instant when = std::get<WakeAt>(effects.back()).when;
        const auto pause = static_cast<double>((when - now).count());
        if (failure == failures) longest = std::max(longest, pause);
        now = when;
        effects = session.Step(Tick{}, now);
      }
    }
    CHECK(longest <= bound);
    CHECK(longest > 0.9 * bound);
  }
}

TEST_CASE_METHOD(SessionFixture, "what waiting cannot mend ends the session") {
  SECTION("a verdict says the client was revoked") {
    TrainingOn(first);
    Hears(Refuse(second, v1::REVOKED));
    CHECK(Wants<CancelWork>());
    REQUIRE(Wants<Finish>());
    CHECK(Find<Finish>()->status.code() == absl::StatusCode::kPermissionDenied);
  }
  SECTION("the hello is refused") {
    Happens(Started{});
    Happens(Connected{});
    Happens(Disconnected{absl::FailedPreconditionError("version")});
    REQUIRE(Wants<Finish>());
    CHECK(Find<Finish>()->status.message() == "version");
  }
  SECTION("the coordinator speaks another version") {
    Happens(Started{});
    Happens(Connected{});
    Hears(Welcome(9));
    CHECK(Wants<Finish>());
    CHECK(Wants<Disconnect>());
  }
  Happens(Tick{});
  CHECK(effects_.empty());
  CHECK(HasEnded());
}

TEST_CASE_METHOD(SessionFixture, "a refused update is forgotten, not saved") {
  Uploading(first);
  Hears(Refuse(first, v1::TOO_LATE));
  CHECK(Wants<CancelUpload>());
  CHECK(Wants<ForgetTask>());
  CHECK_FALSE(Wants<SaveState>());
  CHECK(Reports(Stage::kRefused));
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture,
                 "training that gives nonsense fails the task") {
  TrainingOn(first);
  v1::UpdateHeader header = HeaderFor(first);
  SECTION("no examples") { header.set_weight(0); }
  SECTION("a loss that is not finite") {
    header.set_train_loss(std::numeric_limits<double>::quiet_NaN());
  }
  Happens(Trained{first.task_token(), header, 0});
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
  CHECK_FALSE(ChecksIn());
  CHECK(Wait() <= 500ms);
  PassUntilWakeUp();
  CHECK(ChecksIn());
}

TEST_CASE_METHOD(SessionFixture, "a failure's message is fit for the wire") {
  TrainingOn(first);
  Happens(
      WorkFailed{first.task_token(), "\xff bad\n" + std::string(5000, 'x')});
  const auto& message = Find<Send>()->message.task_failed().message();
  CHECK(message.size() == 1024);
  CHECK(message.substr(0, 6) == "? bad?");
}

TEST_CASE_METHOD(SessionFixture,
                 "what a trainer says of a packed task stays with its owner") {
  v1::Task task = first;
  task.mutable_update()->set_encoding(v1::UpdatePlan::PACKED);
  TrainingOn(task);
  Happens(WorkFailed{task.task_token(), "target 11 is out of bounds"});
  CHECK(Find<Send>()->message.task_failed().message() ==
        "the task failed on the client, whose log says why");
  CHECK(Find<Report>()->progress.detail == "target 11 is out of bounds");
}

TEST_CASE_METHOD(SessionFixture, "a malformed task is refused") {
  v1::Task task = first;
  SECTION("without a model") { task.clear_model(); }
  SECTION("without a bound") { task.mutable_update()->set_max_abs(0); }
  SECTION("with neither epochs nor steps") {
    task.mutable_training()->clear_epochs();
  }
  SECTION("of unknown kind") { task.clear_kind(); }
  SECTION("with a strategy of a later version") {
    // Field 900, an empty message.
    REQUIRE(task.mutable_strategy()->ParseFromString({'\xa2', '\x38', '\0'}));
  }
  Join();
  Hears(Offer(task));
  CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
  CHECK_FALSE(Wants<Fetch>());
}

TEST_CASE_METHOD(SessionFixture, "a failed download is tried again in time") {
  Join();
  Hears(Offer(first));
  Happens(FetchFailed{ModelOf(first), absl::UnavailableError("cut")});
  CHECK_FALSE(Wants<Fetch>());
  PassUntilWakeUp();
  CHECK(Wants<Fetch>());
  SECTION("but a model that is not there fails the task") {
    Happens(FetchFailed{ModelOf(first), absl::NotFoundError("none")});
    CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
  }
  SECTION("and one that is always damaged fails it too") {
    Happens(FetchFailed{ModelOf(first), absl::DataLossError("digest")});
    PassUntilWakeUp();
    Happens(FetchFailed{ModelOf(first), absl::DataLossError("digest")});
    CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
  }
}

TEST_CASE_METHOD(SessionFixture, "an evaluator sends its metrics") {
  const v1::Task task = TaskNamed('e', v1::Task::EVALUATE);
  Join();
  Hears(Offer(task));
  Happens(Fetched{ModelOf(task)});
  CHECK(Wants<StartEvaluation>());
  SECTION("finite ones") {
    Happens(Evaluated{task.task_token(), 10, {{"accuracy", 0.5}}});
    CHECK(Sends(v1::ClientMessage::kEvaluation) == 1);
    Hears(Accept(task));
    CHECK(ChecksIn());
    CHECK_FALSE(Wants<SaveState>());
    CHECK(session_.accepted() == 0);
  }
  SECTION("never infinite ones") {
    Happens(Evaluated{task.task_token(),
                      10,
                      {{"loss", std::numeric_limits<double>::infinity()}}});
    CHECK(Sends(v1::ClientMessage::kEvaluation) == 0);
    CHECK(Sends(v1::ClientMessage::kTaskFailed) == 1);
  }
}

TEST_CASE("a session ends after as many updates as were asked for") {
  SessionFixture session(Options{.max_updates = 1});
  session.Uploading(first);
  session.Hears(Accept(first));
  CHECK(session.Wants<SaveState>());
  CHECK_FALSE(session.ChecksIn());
  REQUIRE(session.Wants<Finish>());
  CHECK(session.Find<Finish>()->status.ok());
}

TEST_CASE_METHOD(SessionFixture, "stopping cancels what runs") {
  TrainingOn(first);
  Happens(StopRequested{});
  CHECK(Wants<CancelWork>());
  CHECK(Wants<Disconnect>());
  REQUIRE(Wants<Finish>());
  CHECK(Find<Finish>()->status.ok());
}

}  // namespace
}  // namespace tributary::session
