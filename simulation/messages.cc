// SPDX-License-Identifier: Apache-2.0
#include "simulation/messages.h"

#include <algorithm>
#include <chrono>

#include "privacy/crypto/digest.h"

namespace tributary::simulation {

std::string ToBytes(const round::TaskToken& token) {
  return {token.bytes.begin(), token.bytes.end()};
}

std::optional<round::TaskToken> TokenFromBytes(const std::string& bytes) {
  round::TaskToken token;
  if (bytes.size() != token.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), token.bytes.begin());
  return token;
}

v1::Task ToMessage(const round::Task& task, const v1::Plan& plan,
                   const std::string& archive, round::Instant now) {
  v1::Task message;
  message.set_kind(task.kind == round::TaskKind::kTrain ? v1::Task::TRAIN
                                                        : v1::Task::EVALUATE);
  message.set_run(plan.name());
  message.set_round(task.round);
  message.set_attempt(task.attempt);
  message.set_task_token(ToBytes(task.token));
  message.set_model(std::string(task.model.AsBytes()));
  message.set_archive(archive);
  *message.mutable_training() = plan.training();
  *message.mutable_update() = plan.update();
  const auto left = std::max(task.deadline - now, round::Duration::zero());
  message.mutable_time_left()->set_seconds(left / std::chrono::seconds(1));
  message.mutable_time_left()->set_nanos(
      static_cast<int>((left % std::chrono::seconds(1)).count() * 1'000'000));
  message.set_seed(std::string(task.seed.begin(), task.seed.end()));
  return message;
}

std::optional<round::Contribution> ToContribution(
    const v1::UpdateHeader& header) {
  const auto base = Digest::FromBytes(header.base_model());
  if (!base.ok()) return std::nullopt;
  return round::Contribution{.base_model = *base,
                             .weight = header.weight(),
                             .train_loss = header.train_loss()};
}

}  // namespace tributary::simulation
