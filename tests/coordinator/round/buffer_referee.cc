// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/buffer_referee.h"

#include <algorithm>
#include <cmath>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {

std::string BufferReferee::Watch(const Event& event, Instant now,
                                 const std::vector<Effect>& effects) {
  now_ = std::max(now_, now);
  if (std::holds_alternative<Restarted>(event)) kept_.clear();
  // What the body is told by a client of its own accord; not of an update that
  // is kept.
  if (const auto* failed = std::get_if<TaskFailed>(&event)) {
    const auto task = tasks_.find(failed->client);
    if (task != tasks_.end() && task->second.token == failed->token &&
        task->second.deadline > now_ && !kept_.contains(failed->token)) {
      tasks_.erase(task);
    }
  }
  for (const Effect& effect : effects) {
    if (is_over_ && !std::holds_alternative<Refuse>(effect) &&
        !std::holds_alternative<AcknowledgeAgain>(effect)) {
      return "after the end: " + Text(effect);
    }
    const std::string broken =
        std::visit([this](const auto& seen) { return See(seen); }, effect);
    if (!broken.empty()) return broken + ": " + Text(effect);
  }
  // Neither taken nor refused while a model is made.
  const auto* arrived = std::get_if<UpdateArrived>(&event);
  if (arrived != nullptr && is_making_model_) {
    const auto task = tasks_.find(arrived->client);
    if (task != tasks_.end() && task->second.token == arrived->token) {
      kept_.insert(arrived->token);
    }
  }
  if (std::holds_alternative<StopRequested>(event) && !is_over_) {
    return "a stop that did not stop";
  }
  return "";
}

std::string BufferReferee::See(const OfferTask& effect) {
  const auto& [client, task] = effect;
  if (task.deadline <= now_) return "a task that is over";
  if (task.kind == TaskKind::kEvaluate) {
    evaluations_.insert(task.token);
    return task.round <= released_ ? "" : "an evaluation of no model";
  }
  if (const auto open = tasks_.find(client); open != tasks_.end()) {
    return open->second == task ? "" : "a second task";
  }
  if (task.round != released_ + 1) return "a task from an old model";
  if (task.deadline != now_ + options_.deadline) return "another deadline";
  if (!offered_.insert(task.token).second) return "a token twice";
  tasks_.emplace(client, task);
  return "";
}

std::string BufferReferee::See(const GrantUpload& effect) {
  const auto task = tasks_.find(effect.client);
  return task != tasks_.end() && task->second.token == effect.token
             ? ""
             : "a grant for no task";
}

std::string BufferReferee::See(const AcceptUpdate& effect) {
  const auto task = tasks_.find(effect.client);
  if (task == tasks_.end() || task->second.token != effect.token) {
    return "no task to accept";
  }
  if (!is_open_) return "an update in no buffer";
  const int staleness = released_ + 1 - task->second.round;
  if (staleness > options_.asynchronous->max_staleness) return "a stale update";
  const double share =
      std::pow(1.0 + staleness, -options_.asynchronous->staleness_exponent);
  if (effect.weight < 1 ||
      std::abs(effect.weight - std::max(1.0, share * options_.max_weight)) >
          0.5) {
    return "another weight than its staleness's";
  }
  if (!counted_.insert(effect.token).second) return "a token counted twice";
  if (!buffer_.emplace(effect.client, effect.weight).second) {
    return "a client twice in a model";
  }
  base_ = task->second.model;
  tasks_.erase(task);
  return "";
}

std::string BufferReferee::See(const AcknowledgeAgain& effect) {
  return counted_.contains(effect.token) || evaluations_.contains(effect.token)
             ? ""
             : "nothing to acknowledge";
}

// A refused update is its task's end, unless it is the second for it. That an
// evaluation was said instead ends nothing.
std::string BufferReferee::See(const Refuse& effect) {
  ++refusals_;
  if (effect.reason == Refusal::kNone) return "a refusal without a reason";
  const auto task = tasks_.find(effect.client);
  if (task != tasks_.end() && task->second.token == effect.token &&
      effect.reason != Refusal::kDuplicate &&
      effect.reason != Refusal::kWrongRole) {
    tasks_.erase(task);
  }
  return "";
}

std::string BufferReferee::See(const CancelTask& effect) {
  if (evaluations_.contains(effect.token)) return "";
  const auto task = tasks_.find(effect.client);
  if (task == tasks_.end() || task->second.token != effect.token) {
    return "no task to cancel";
  }
  tasks_.erase(task);
  return "";
}

std::string BufferReferee::See(const OpenRound& effect) {
  if (is_open_ || is_making_model_) return "a buffer in a buffer";
  if (effect.round != released_ + 1 || effect.attempt != 1) {
    return "a buffer out of turn";
  }
  is_open_ = true;
  buffer_.clear();
  return "";
}

std::string BufferReferee::See(const ReleaseRound& effect) {
  if (!is_open_ || effect.round != released_ + 1) return "no buffer to release";
  std::vector<ClientId> counted;
  std::uint64_t weight = 0;
  for (const auto& [client, each] : buffer_) {
    counted.push_back(client);
    weight += each;
  }
  if (effect.contributors != counted || effect.total_weight != weight) {
    return "a release of other than the accepted";
  }
  if (static_cast<int>(counted.size()) != options_.cohort_size) {
    return "a release of another number";
  }
  const auto& rate = options_.asynchronous->mixing_rate;
  if (rate) {
    const double share =
        *rate * static_cast<double>(weight) / options_.max_weight;
    if (effect.divisor != weight ||
        effect.mixture != Mixture{.base = base_, .share = share}) {
      return "another mixture";
    }
  } else if (effect.mixture ||
             effect.divisor !=
                 counted.size() * std::uint64_t{options_.max_weight}) {
    return "another divisor";
  }
  is_open_ = false;
  is_making_model_ = true;
  return "";
}

std::string BufferReferee::See(const CommitRound& effect) {
  if (!is_making_model_ || effect.round != released_ + 1) {
    return "a commit of nothing";
  }
  is_making_model_ = false;
  ++released_;
  return "";
}

std::string BufferReferee::See(const EndRun&) {
  is_over_ = true;
  return tasks_.empty() ? "" : "a task that nobody cancelled";
}

std::string BufferReferee::See(const WakeAt& effect) {
  return effect.when > now_ ? "" : "a wake-up that is due already";
}

}  // namespace tributary::round
