// SPDX-License-Identifier: Apache-2.0
#include "coordinator/wire/messages.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "coordinator/wire/partial_sum.h"
#include "privacy/crypto/digest.h"

namespace tributary::coordinator {
namespace {

// Of names of 128 bytes these are half a megabyte.
constexpr std::size_t kMostOverlap = 4'000;

void SetDuration(google::protobuf::Duration& out, round::Duration duration) {
  const auto count = std::max<std::int64_t>(duration.count(), 0);
  out.set_seconds(count / 1000);
  out.set_nanos(static_cast<std::int32_t>(count % 1000) * 1'000'000);
}

v1::Verdict& NewVerdict(v1::ServerMessage& message,
                        const round::TaskToken& token) {
  v1::Verdict& verdict = *message.mutable_verdict();
  verdict.set_task_token(ToBytes(token));
  return verdict;
}

}  // namespace

std::string ToBytes(const round::TaskToken& token) {
  return {reinterpret_cast<const char*>(token.bytes.data()),
          token.bytes.size()};
}

std::optional<round::TaskToken> ToToken(const std::string& bytes) {
  round::TaskToken token;
  if (bytes.size() != token.bytes.size()) return std::nullopt;
  std::memcpy(token.bytes.data(), bytes.data(), bytes.size());
  return token;
}

std::optional<round::Contribution> ToContribution(
    const v1::UpdateHeader& header) {
  const auto base = Digest::FromBytes(header.base_model());
  if (!base.ok()) return std::nullopt;
  round::Contribution contribution{.base_model = *base,
                                   .weight = header.weight(),
                                   .train_loss = header.train_loss()};
  if (!header.has_partial_sum()) return contribution;
  const auto subtree = ToSubtree(header.partial_sum());
  if (!subtree.ok() || header.weight() != 0) return std::nullopt;
  contribution.weight = subtree->weight;
  contribution.subtree = *subtree;
  return contribution;
}

// The two enumerations have the same values (types.h).
v1::Refusal ToWire(round::Refusal reason) {
  return static_cast<v1::Refusal>(reason);
}

v1::ServerMessage WelcomeMessage(const std::string& client, v1::Role role) {
  v1::ServerMessage message;
  message.mutable_welcome()->set_wire_version(kWireVersion);
  message.mutable_welcome()->set_client_name(client);
  message.mutable_welcome()->set_role(role);
  return message;
}

v1::ServerMessage WelcomeMessage(const std::string& aggregator,
                                 const AggregatorSession& session) {
  v1::ServerMessage message = WelcomeMessage(aggregator, v1::AGGREGATOR);
  message.mutable_welcome()->set_session(session.session);
  message.mutable_welcome()->set_epoch(session.epoch);
  return message;
}

v1::ServerMessage ComeBackMessage(round::Duration earliest,
                                  round::Duration latest) {
  v1::ServerMessage message;
  SetDuration(*message.mutable_come_back()->mutable_earliest(), earliest);
  SetDuration(*message.mutable_come_back()->mutable_latest(), latest);
  return message;
}

v1::ServerMessage GrantMessage(const round::TaskToken& token,
                               std::uint64_t offset) {
  v1::ServerMessage message;
  message.mutable_upload_grant()->set_task_token(ToBytes(token));
  message.mutable_upload_grant()->set_offset(offset);
  return message;
}

v1::ServerMessage AcceptedMessage(const round::TaskToken& token) {
  v1::ServerMessage message;
  NewVerdict(message, token).set_accepted(true);
  return message;
}

v1::ServerMessage RefusedMessage(const round::TaskToken& token,
                                 round::Refusal reason,
                                 const std::string& detail,
                                 const round::LeafSet& overlap) {
  v1::ServerMessage message;
  v1::Verdict& verdict = NewVerdict(message, token);
  verdict.set_reason(ToWire(reason));
  verdict.set_detail(detail.empty() ? std::string(round::Name(reason))
                                    : detail.substr(0, 1024));
  const auto leaves = overlap.leaves();
  for (const round::ClientId& leaf :
       leaves.first(std::min(leaves.size(), kMostOverlap))) {
    verdict.add_overlap(leaf.name);
  }
  return message;
}

v1::ServerMessage CancelMessage(const round::TaskToken& token,
                                round::Refusal reason) {
  v1::ServerMessage message;
  message.mutable_cancel()->set_task_token(ToBytes(token));
  message.mutable_cancel()->set_reason(ToWire(reason));
  return message;
}

v1::ServerMessage SecureMessage(const round::TaskToken& token,
                                v1::SecureServerMessage message) {
  v1::ServerMessage out;
  *out.mutable_secure() = std::move(message);
  out.mutable_secure()->set_task_token(ToBytes(token));
  return out;
}

v1::SubtreeTask ToSubtreeTask(const v1::Plan& plan, std::uint32_t tier) {
  v1::SubtreeTask task;
  *task.mutable_plan() = plan;
  task.mutable_plan()->clear_seed();
  task.mutable_plan()->clear_simulation();
  task.set_tier(tier);
  return task;
}

v1::ServerMessage TaskMessage(const TaskFrame& frame, const round::Task& task,
                              round::Duration time_left) {
  v1::ServerMessage message;
  v1::Task& out = *message.mutable_task();
  out.set_kind(task.kind == round::TaskKind::kTrain ? v1::Task::TRAIN
                                                    : v1::Task::EVALUATE);
  out.set_run(frame.run);
  out.set_round(static_cast<std::uint32_t>(task.round));
  out.set_attempt(static_cast<std::uint32_t>(task.attempt));
  out.set_task_token(ToBytes(task.token));
  out.set_model(std::string(task.model.AsBytes()));
  out.set_archive(frame.archive);
  *out.mutable_training() = frame.training;
  *out.mutable_update() = frame.update;
  if (frame.strategy) *out.mutable_strategy() = *frame.strategy;
  if (task.kind == round::TaskKind::kTrain) {
    if (frame.integers) *out.mutable_integers() = *frame.integers;
    if (frame.secure) *out.mutable_secure() = *frame.secure;
  }
  if (task.role == round::Role::kAggregator && frame.subtree) {
    *out.mutable_subtree() = *frame.subtree;
  }
  SetDuration(*out.mutable_time_left(), time_left);
  out.set_seed(std::string(reinterpret_cast<const char*>(task.seed.data()),
                           task.seed.size()));
  return message;
}

}  // namespace tributary::coordinator
