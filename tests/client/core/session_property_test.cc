// SPDX-License-Identifier: Apache-2.0
// Whatever the coordinator and the runner do, in whatever order, a session
// never uploads without a grant, never announces an update after it was
// accepted, and says nothing after it has finished.
#include <rapidcheck.h>

#include <optional>
#include <set>

#include "tests/client/core/session_fixture.h"

#include "tests/catch.h"

namespace tributary::session {
namespace {

// Three tasks, so that tokens often fit and often do not.
v1::Task AnyTask() {
  v1::Task task = TaskNamed(static_cast<char>('a' + *rc::gen::inRange(0, 3)));
  if (*rc::gen::inRange(0, 4) == 0) task.set_kind(v1::Task::EVALUATE);
  if (*rc::gen::inRange(0, 8) == 0) task.set_archive(std::string(32, 'x'));
  if (*rc::gen::inRange(0, 16) == 0) task.clear_model();
  return task;
}

v1::ServerMessage AnyMessage() {
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return Welcome();
    case 1:
    case 2:
      return Offer(AnyTask());
    case 3:
      return Grant(AnyTask(), *rc::gen::inRange<std::uint64_t>(0, 1002));
    case 4:
      return Accept(AnyTask());
    case 5:
      return *rc::gen::inRange(0, 2) == 0 ? Refuse(AnyTask(), v1::TOO_LATE)
                                          : Cancel(AnyTask());
    default:
      return ComeBackIn(std::chrono::seconds(*rc::gen::inRange(-5, 1000)),
                        std::chrono::seconds(*rc::gen::inRange(-5, 1000)));
  }
}

Event AnyEvent() {
  const v1::Task task = AnyTask();
  const std::string& token = task.task_token();
  switch (*rc::gen::inRange(0, 20)) {
    case 0:
      return Connected{};
    case 1:
      return Disconnected{absl::UnavailableError("gone")};
    case 2:
    case 3:
    case 4:
      return Fetched{*Digest::FromBytes(std::string(32, 'm'))};
    case 5:
      return Fetched{*Digest::FromBytes(std::string(32, 'x'))};
    case 6:
      return FetchFailed{*Digest::FromBytes(std::string(32, 'm')),
                         absl::UnavailableError("cut")};
    case 7:
    case 8:
      return Trained{token, HeaderFor(task), 0};
    case 9:
      return Evaluated{token, 5, {{"loss", 1.0}}};
    case 10:
      return WorkFailed{token, "failed"};
    case 11:
      return Uploaded{token};
    case 12:
      return UploadFailed{token, absl::UnavailableError("cut")};
    case 13:
      return Tick{};
    default:
      return Received{AnyMessage()};
  }
}

// Judges one session's effects in their order.
class Judge {
 public:
  void BeforeStep(const Event& event) {
    grant_.reset();
    if (const auto* received = std::get_if<Received>(&event)) {
      if (received->message.has_upload_grant()) {
        grant_ = received->message.upload_grant();
      }
      if (received->message.has_task()) {
        // Offered anew, the work may be done anew.
        accepted_.erase(received->message.task().task_token());
      }
    }
  }
  bool Allows(const Effect& effect) {
    if (finished_) return false;
    if (const auto* upload = std::get_if<StartUpload>(&effect)) {
      return grant_ && grant_->task_token() == upload->token &&
             grant_->offset() == upload->offset;
    }
    if (const auto* save = std::get_if<SaveState>(&effect)) {
      return accepted_.insert(save->token).second;
    }
    if (const auto* send = std::get_if<Send>(&effect)) {
      return !send->message.has_update_ready() ||
             !accepted_.contains(
                 send->message.update_ready().header().task_token());
    }
    finished_ = std::holds_alternative<Finish>(effect);
    return true;
  }

 private:
  std::optional<v1::UploadGrant> grant_;
  std::set<TaskToken> accepted_;
  bool finished_ = false;
};

TEST_CASE("no order of events makes a session misbehave") {
  CHECK(rc::check("random events", [] {
    KeyedStream random(Key{}, std::to_string(*rc::gen::inRange(0, 100)));
    Session session({.population = "pumps"}, random);
    Judge judge;
    Instant now{};
    bool started = false;
    const int steps = *rc::gen::inRange(1, 150);
    for (int i = 0; i < steps; ++i) {
      const Event event = started ? AnyEvent() : Event(Started{});
      started = true;
      now += Duration(*rc::gen::inRange(0, 20'000));
      judge.BeforeStep(event);
      const std::vector<Effect> effects = session.Step(event, now);
      for (std::size_t j = 0; j < effects.size(); ++j) {
        RC_ASSERT(judge.Allows(effects[j]));
        if (std::holds_alternative<WakeAt>(effects[j])) {
          RC_ASSERT(j + 1 == effects.size());
        }
      }
    }
  }));
}

TEST_CASE("the same events and the same stream give the same effects") {
  CHECK(rc::check("twice", [] {
    KeyedStream left_random(Key{}, "twice");
    KeyedStream right_random(Key{}, "twice");
    Session left({.population = "pumps"}, left_random);
    Session right({.population = "pumps"}, right_random);
    Instant now{};
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
      const Event event = i == 0 ? Event(Started{}) : AnyEvent();
      now += Duration(*rc::gen::inRange(0, 20'000));
      const auto from_left = left.Step(event, now);
      const auto from_right = right.Step(event, now);
      RC_ASSERT(from_left.size() == from_right.size());
      for (std::size_t j = 0; j < from_left.size(); ++j) {
        RC_ASSERT(from_left[j].index() == from_right[j].index());
        if (const auto* wake = std::get_if<WakeAt>(&from_left[j])) {
          RC_ASSERT(wake->when == std::get<WakeAt>(from_right[j]).when);
        }
      }
    }
  }));
}

}  // namespace
}  // namespace tributary::session
