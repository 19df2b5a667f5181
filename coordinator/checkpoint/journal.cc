// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/journal.h"

#include <cmath>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/assign.h"
#include "coordinator/checkpoint/fields.h"

namespace tributary::checkpoint {
namespace {

class EventWriter {
 public:
  explicit EventWriter(v1::EngineEvent* event) : event_(event) {}

  void operator()(const round::Tick&) { event_->mutable_tick(); }
  void operator()(const round::CheckIn& from) {
    auto* to = event_->mutable_check_in();
    to->set_client(from.client.name);
    to->set_role(FromRole(from.role));
    to->set_epoch(from.epoch);
  }
  void operator()(const round::Left& from) {
    event_->mutable_left()->set_client(from.client.name);
  }
  void operator()(const round::UpdateAnnounced& from) {
    auto* to = event_->mutable_update_announced();
    to->set_client(from.client.name);
    to->set_token(FromToken(from.token));
    *to->mutable_contribution() = FromContribution(from.contribution);
  }
  void operator()(const round::UpdateArrived& from) {
    auto* to = event_->mutable_update_arrived();
    to->set_client(from.client.name);
    to->set_token(FromToken(from.token));
    *to->mutable_contribution() = FromContribution(from.contribution);
    to->set_defect(FromRefusal(from.defect));
    Write(from.leaves, to->mutable_leaves());
  }
  void operator()(const round::EvaluationArrived& from) {
    auto* to = event_->mutable_evaluation_arrived();
    to->set_client(from.client.name);
    to->set_token(FromToken(from.token));
    for (const auto& [name, value] : from.metrics) {
      auto* metric = to->add_metrics();
      metric->set_name(name);
      metric->set_value(value);
    }
  }
  void operator()(const round::TaskFailed& from) {
    auto* to = event_->mutable_task_failed();
    to->set_client(from.client.name);
    to->set_token(FromToken(from.token));
  }
  void operator()(const round::ClientRevoked& from) {
    event_->mutable_client_revoked()->set_client(from.client.name);
  }
  void operator()(const round::ModelReleased& from) {
    auto* to = event_->mutable_model_released();
    to->set_round(static_cast<std::uint32_t>(from.round));
    to->set_model(FromModel(from.model));
    if (from.next_clip_norm) to->set_next_clip_norm(*from.next_clip_norm);
    if (from.aggregates) {
      to->mutable_aggregates()->set_examples(from.aggregates->examples);
      to->mutable_aggregates()->set_train_loss(from.aggregates->train_loss);
    }
    Write(from.outliers, to->mutable_outliers());
  }
  void operator()(const round::Restarted&) { event_->mutable_restarted(); }
  void operator()(const round::StopRequested&) {
    event_->mutable_stop_requested();
  }
  void operator()(const round::SecureAnswered& from) {
    auto* to = event_->mutable_secure_answered();
    to->set_client(from.client.name);
    to->set_token(FromToken(from.token));
    to->set_step(FromStep(from.step));
    to->set_is_enough(from.is_enough);
  }
  void operator()(const round::SecureStepClosed& from) {
    auto* to = event_->mutable_secure_step_closed();
    to->set_round(static_cast<std::uint32_t>(from.round));
    to->set_attempt(static_cast<std::uint32_t>(from.attempt));
    to->set_step(FromStep(from.step));
    Write(from.remaining, to->mutable_remaining());
  }
  void operator()(const round::SecureAbandoned& from) {
    auto* to = event_->mutable_secure_abandoned();
    to->set_round(static_cast<std::uint32_t>(from.round));
    to->set_attempt(static_cast<std::uint32_t>(from.attempt));
    to->set_count(static_cast<std::uint32_t>(from.count));
    to->set_reason(from.reason);
  }
  void operator()(const round::TaskGiven& from) {
    auto* to = event_->mutable_task_given();
    to->set_round(static_cast<std::uint32_t>(from.round));
    to->set_attempt(static_cast<std::uint32_t>(from.attempt));
    to->set_model(FromModel(from.model));
    to->set_round_seed(FromKey(from.round_seed));
    to->set_time_left_ms(static_cast<std::uint64_t>(from.time_left.count()));
    if (from.clip_norm) to->set_clip_norm(*from.clip_norm);
  }
  void operator()(const round::TaskOver& from) {
    auto* to = event_->mutable_task_over();
    to->set_round(static_cast<std::uint32_t>(from.round));
    to->set_attempt(static_cast<std::uint32_t>(from.attempt));
  }

 private:
  v1::EngineEvent* event_;
};

absl::StatusOr<round::Event> Read(const v1::EngineEvent::CheckIn& from) {
  round::CheckIn to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.role, ToRole(from.role()));
  to.epoch = from.epoch();
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::Left& from) {
  round::Left to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  return to;
}

absl::StatusOr<round::Event> Read(
    const v1::EngineEvent::UpdateAnnounced& from) {
  round::UpdateAnnounced to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  TRIBUTARY_ASSIGN(to.contribution, ToContribution(from.contribution()));
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::UpdateArrived& from) {
  round::UpdateArrived to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  TRIBUTARY_ASSIGN(to.contribution, ToContribution(from.contribution()));
  TRIBUTARY_ASSIGN(to.defect, ToRefusal(from.defect()));
  TRIBUTARY_ASSIGN(to.leaves, ToLeaves(from.leaves()));
  return to;
}

absl::StatusOr<round::Event> Read(
    const v1::EngineEvent::EvaluationArrived& from) {
  round::EvaluationArrived to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  if (static_cast<std::size_t>(from.metrics_size()) > kMaxMetrics) {
    return Damaged(absl::StrCat(from.metrics_size(), " metrics"));
  }
  for (const auto& metric : from.metrics()) {
    if (metric.name().size() > kMaxMetricName) {
      return Damaged(
          absl::StrCat("a metric name of ", metric.name().size(), " bytes"));
    }
    if (!to.metrics.emplace(metric.name(), metric.value()).second) {
      return Damaged("a metric twice");
    }
  }
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::TaskFailed& from) {
  round::TaskFailed to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::ClientRevoked& from) {
  round::ClientRevoked to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::ModelReleased& from) {
  round::ModelReleased to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.model, ToModel(from.model()));
  if (from.has_next_clip_norm()) {
    TRIBUTARY_ASSIGN(to.next_clip_norm, ToClipNorm(from.next_clip_norm()));
  }
  if (from.has_aggregates()) {
    to.aggregates = round::Aggregates{from.aggregates().examples(),
                                      from.aggregates().train_loss()};
    if (!std::isfinite(to.aggregates->train_loss)) {
      return Damaged("a training loss that is not finite");
    }
  }
  std::set<round::ClientId> outliers;
  TRIBUTARY_ASSIGN(outliers, ToClients(from.outliers()));
  to.outliers.assign(outliers.begin(), outliers.end());
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::SecureAnswered& from) {
  round::SecureAnswered to;
  TRIBUTARY_ASSIGN(to.client, ToClient(from.client()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  TRIBUTARY_ASSIGN(to.step, ToStep(from.step()));
  to.is_enough = from.is_enough();
  return to;
}

absl::StatusOr<round::Event> Read(
    const v1::EngineEvent::SecureStepClosed& from) {
  round::SecureStepClosed to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.attempt,
                   ToCount(from.attempt(), kMaxAttempt, "an attempt"));
  TRIBUTARY_ASSIGN(to.step, ToStep(from.step()));
  std::set<round::ClientId> remaining;
  TRIBUTARY_ASSIGN(remaining, ToClients(from.remaining()));
  to.remaining.assign(remaining.begin(), remaining.end());
  return to;
}

absl::StatusOr<round::Event> Read(
    const v1::EngineEvent::SecureAbandoned& from) {
  round::SecureAbandoned to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.attempt,
                   ToCount(from.attempt(), kMaxAttempt, "an attempt"));
  if (from.count() > kMaxMembers) {
    return Damaged(absl::StrCat("a session of ", from.count(), " clients"));
  }
  to.count = static_cast<int>(from.count());
  TRIBUTARY_ASSIGN(to.reason, ToReason(from.reason()));
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::TaskGiven& from) {
  round::TaskGiven to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.attempt,
                   ToCount(from.attempt(), kMaxAttempt, "an attempt"));
  TRIBUTARY_ASSIGN(to.model, ToModel(from.model()));
  TRIBUTARY_ASSIGN(to.round_seed, ToKey(from.round_seed()));
  TRIBUTARY_ASSIGN(to.time_left, ToDuration(from.time_left_ms()));
  if (from.has_clip_norm()) {
    TRIBUTARY_ASSIGN(to.clip_norm, ToClipNorm(from.clip_norm()));
  }
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent::TaskOver& from) {
  round::TaskOver to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.attempt,
                   ToCount(from.attempt(), kMaxAttempt, "an attempt"));
  return to;
}

absl::StatusOr<round::Event> Read(const v1::EngineEvent& from) {
  switch (from.kind_case()) {
    case v1::EngineEvent::kTick:
      return round::Tick{};
    case v1::EngineEvent::kCheckIn:
      return Read(from.check_in());
    case v1::EngineEvent::kLeft:
      return Read(from.left());
    case v1::EngineEvent::kUpdateAnnounced:
      return Read(from.update_announced());
    case v1::EngineEvent::kUpdateArrived:
      return Read(from.update_arrived());
    case v1::EngineEvent::kEvaluationArrived:
      return Read(from.evaluation_arrived());
    case v1::EngineEvent::kTaskFailed:
      return Read(from.task_failed());
    case v1::EngineEvent::kClientRevoked:
      return Read(from.client_revoked());
    case v1::EngineEvent::kModelReleased:
      return Read(from.model_released());
    case v1::EngineEvent::kRestarted:
      return round::Restarted{};
    case v1::EngineEvent::kStopRequested:
      return round::StopRequested{};
    case v1::EngineEvent::kSecureAnswered:
      return Read(from.secure_answered());
    case v1::EngineEvent::kSecureStepClosed:
      return Read(from.secure_step_closed());
    case v1::EngineEvent::kSecureAbandoned:
      return Read(from.secure_abandoned());
    case v1::EngineEvent::kTaskGiven:
      return Read(from.task_given());
    case v1::EngineEvent::kTaskOver:
      return Read(from.task_over());
    case v1::EngineEvent::KIND_NOT_SET:
      break;
  }
  return Damaged("a step without an event");
}

}  // namespace

v1::EngineStep ToMessage(const TimedEvent& step) {
  v1::EngineStep message;
  message.set_now_ms(FromInstant(step.now));
  std::visit(EventWriter(message.mutable_event()), step.event);
  return message;
}

absl::StatusOr<TimedEvent> FromMessage(const v1::EngineStep& message) {
  TimedEvent step;
  TRIBUTARY_ASSIGN(step.now, ToInstant(message.now_ms()));
  TRIBUTARY_ASSIGN(step.event, Read(message.event()));
  return step;
}

std::string EncodeStep(const TimedEvent& step) {
  return ToMessage(step).SerializeAsString();
}

absl::StatusOr<TimedEvent> DecodeStep(const std::string& bytes) {
  v1::EngineStep message;
  if (!message.ParseFromString(bytes)) return Damaged("not an EngineStep");
  return FromMessage(message);
}

}  // namespace tributary::checkpoint
