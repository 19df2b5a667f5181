// SPDX-License-Identifier: Apache-2.0
// The words in which session tests speak.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/core/session.h"
#include "privacy/crypto/random.h"

namespace tributary::session {

inline v1::Task TaskNamed(char letter, v1::Task::Kind kind = v1::Task::TRAIN) {
  v1::Task task;
  task.set_kind(kind);
  task.set_run("run-1");
  task.set_round(static_cast<std::uint32_t>(3 + letter - 'a'));
  task.set_task_token(std::string(16, letter));
  task.set_model(std::string(32, 'm'));
  task.set_seed(std::string(32, 's'));
  task.mutable_training()->set_epochs(1);
  task.mutable_training()->set_batch_size(8);
  task.mutable_training()->set_learning_rate(0.1);
  task.mutable_update()->set_max_abs(1);
  task.mutable_update()->set_max_weight(100);
  return task;
}

inline v1::ServerMessage Welcome(std::uint32_t version = kWireVersion) {
  v1::ServerMessage message;
  message.mutable_welcome()->set_wire_version(version);
  return message;
}
inline v1::ServerMessage Offer(const v1::Task& task) {
  v1::ServerMessage message;
  *message.mutable_task() = task;
  return message;
}
inline v1::ServerMessage Grant(const v1::Task& task, std::uint64_t offset) {
  v1::ServerMessage message;
  message.mutable_upload_grant()->set_task_token(task.task_token());
  message.mutable_upload_grant()->set_offset(offset);
  return message;
}
inline v1::ServerMessage Accept(const v1::Task& task) {
  v1::ServerMessage message;
  message.mutable_verdict()->set_task_token(task.task_token());
  message.mutable_verdict()->set_accepted(true);
  return message;
}
inline v1::ServerMessage Refuse(const v1::Task& task, v1::Refusal reason) {
  v1::ServerMessage message;
  message.mutable_verdict()->set_task_token(task.task_token());
  message.mutable_verdict()->set_reason(reason);
  return message;
}
inline v1::ServerMessage Cancel(const v1::Task& task) {
  v1::ServerMessage message;
  message.mutable_cancel()->set_task_token(task.task_token());
  message.mutable_cancel()->set_reason(v1::TOO_LATE);
  return message;
}
inline v1::ServerMessage ComeBackIn(std::chrono::seconds earliest,
                                    std::chrono::seconds latest) {
  v1::ServerMessage message;
  message.mutable_come_back()->mutable_earliest()->set_seconds(
      earliest.count());
  message.mutable_come_back()->mutable_latest()->set_seconds(latest.count());
  return message;
}
inline v1::UpdateHeader HeaderFor(const v1::Task& task) {
  v1::UpdateHeader header;
  header.set_task_token(task.task_token());
  header.set_size(1000);
  header.set_weight(7);
  header.set_train_loss(0.5);
  return header;
}
inline Digest ModelOf(const v1::Task& task) {
  return *Digest::FromBytes(task.model());
}

class SessionFixture {
 public:
  explicit SessionFixture(Options options = {})
      : session_(WithPopulation(std::move(options)), random_) {}

  // ---- what happens ----
  void Happens(Event event) {
    effects_ = session_.Step(std::move(event), now_);
  }
  void Hears(v1::ServerMessage message) {
    Happens(Received{std::move(message)});
  }
  void Pass(Duration time) {
    now_ += time;
    Happens(Tick{});
  }
  // Until the session's own wake-up.
  void PassUntilWakeUp() {
    const auto* wake = Find<WakeAt>();
    if (wake == nullptr) return;
    now_ = std::max(now_, wake->when);
    Happens(Tick{});
  }

  // ---- how far it has come ----
  void Join() {
    Happens(Started{});
    Happens(Connected{});
    Hears(Welcome());
  }
  void CutOff() { Happens(Disconnected{absl::UnavailableError("gone")}); }
  void Reconnect() {
    PassUntilWakeUp();
    Happens(Connected{});
    Hears(Welcome());
  }
  void TrainingOn(const v1::Task& task) {
    Join();
    Hears(Offer(task));
    Happens(Fetched{ModelOf(task)});
  }
  void FinishedWith(const v1::Task& task) {
    TrainingOn(task);
    Happens(Trained{task.task_token(), HeaderFor(task), 0});
  }
  void Uploading(const v1::Task& task) {
    FinishedWith(task);
    Hears(Grant(task, 0));
  }

  // ---- what it wants, of the last step ----
  template <typename Wanted>
  const Wanted* Find() const {
    for (const Effect& effect : effects_) {
      if (const auto* found = std::get_if<Wanted>(&effect)) return found;
    }
    return nullptr;
  }
  template <typename Wanted>
  bool Wants() const {
    return Find<Wanted>() != nullptr;
  }
  // The messages sent, by kind.
  int Sends(v1::ClientMessage::KindCase kind) const {
    int count = 0;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      count += send != nullptr && send->message.kind_case() == kind;
    }
    return count;
  }
  bool ChecksIn() const { return Sends(v1::ClientMessage::kCheckIn) == 1; }
  bool Announces() const { return Sends(v1::ClientMessage::kUpdateReady) == 1; }
  bool Reports(ClientProgress::Stage stage) const {
    for (const Effect& effect : effects_) {
      const auto* report = std::get_if<Report>(&effect);
      if (report != nullptr && report->progress.stage == stage) return true;
    }
    return false;
  }
  // The time from now to the wake-up asked for.
  Duration Wait() const {
    const auto* wake = Find<WakeAt>();
    return wake == nullptr ? Duration::max() : wake->when - now_;
  }
  bool HasEnded() const {
    return std::holds_alternative<Ended>(session_.connection());
  }

 protected:
  static Options WithPopulation(Options options) {
    options.population = "pumps";
    return options;
  }
  KeyedStream random_{Key{}, "session test"};
  Instant now_{};
  Session session_;
  std::vector<Effect> effects_;
};

}  // namespace tributary::session
