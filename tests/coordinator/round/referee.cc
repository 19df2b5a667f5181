// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/referee.h"

#include <algorithm>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {

std::string Referee::Watch(const Event& event, Instant now,
                           const std::vector<Effect>& effects) {
  now_ = std::max(now_, now);
  const bool was_over = is_over_;
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const Effect& effect = effects[i];
    if (std::holds_alternative<WakeAt>(effect) && i + 1 != effects.size()) {
      return "a wake-up that is not last";
    }
    if (was_over && !std::holds_alternative<Refuse>(effect) &&
        !std::holds_alternative<AcknowledgeAgain>(effect)) {
      return "after the end: " + Text(effect);
    }
    const std::string broken =
        std::visit([this](const auto& seen) { return See(seen); }, effect);
    if (!broken.empty()) return broken + ": " + Text(effect);
  }
  if (open_ && open_->asked.empty()) return "a round of nobody";
  if (open_ &&
      (effects.empty() || !std::holds_alternative<WakeAt>(effects.back()))) {
    return "an open round without a wake-up";
  }
  if (std::holds_alternative<StopRequested>(event) && !is_over_) {
    return "a stop that did not stop";
  }
  return "";
}

bool Referee::HasOpenTask(const ClientId& client,
                          const TaskToken& token) const {
  if (!open_) return false;
  const auto found = open_->asked.find(client);
  return found != open_->asked.end() && found->second == token &&
         !open_->accepted.contains(client) &&
         !open_->cancelled.contains(client);
}

std::string Referee::See(const OfferTask& effect) {
  const auto& [client, task] = effect;
  if (task.deadline <= now_) return "a task that is over";
  if (task.kind == TaskKind::kEvaluate) {
    if (task.round > released_) return "an evaluation of no model";
    evaluations_[task.token] = {client, task.round};
    return "";
  }
  if (!open_ || task.round != open_->round || task.attempt != open_->attempt) {
    return "a task of a round that is not open";
  }
  const auto [asked, is_new] = open_->asked.emplace(client, task.token);
  if (!is_new && !HasOpenTask(client, task.token)) return "a task again, other";
  if (static_cast<int>(open_->asked.size()) > options_.Asked()) {
    return "more asked than may be";
  }
  return "";
}

std::string Referee::See(const ComeBack& effect) {
  const bool is_fair = effect.earliest >= std::chrono::seconds(1) &&
                       effect.earliest < effect.latest &&
                       effect.latest <= std::chrono::minutes(5);
  return is_fair ? "" : "a window out of bounds";
}

std::string Referee::See(const GrantUpload& effect) {
  return HasOpenTask(effect.client, effect.token) ? "" : "a grant for no task";
}

std::string Referee::See(const AcceptUpdate& effect) {
  if (!HasOpenTask(effect.client, effect.token)) return "no task to accept";
  if (effect.weight < 1 || effect.weight > options_.max_weight) {
    return "a weight out of bounds";
  }
  if (!counted_.insert(effect.token).second) return "a token counted twice";
  open_->accepted.emplace(effect.client, effect.weight);
  if (static_cast<int>(open_->accepted.size()) > options_.cohort_size) {
    return "more accepted than the cohort";
  }
  return "";
}

std::string Referee::See(const AcknowledgeAgain& effect) {
  return counted_.contains(effect.token) ? "" : "nothing to acknowledge";
}

std::string Referee::See(const Refuse& effect) {
  ++refusals_;
  return effect.reason == Refusal::kNone ? "a refusal without a reason" : "";
}

std::string Referee::See(const CancelTask& effect) {
  const auto evaluation = evaluations_.find(effect.token);
  if (evaluation != evaluations_.end()) {
    return evaluation->second.first == effect.client ? "" : "another's task";
  }
  if (!HasOpenTask(effect.client, effect.token)) return "no task to cancel";
  open_->cancelled.insert(effect.client);
  return "";
}

std::string Referee::See(const AcceptEvaluation& effect) {
  const auto found = evaluations_.find(effect.token);
  if (found == evaluations_.end() || found->second.first != effect.client ||
      found->second.second != effect.round) {
    return "an evaluation nobody asked for";
  }
  return counted_.insert(effect.token).second ? "" : "an evaluation twice";
}

std::string Referee::See(const OpenRound& effect) {
  if (open_ || is_making_model_) return "a round in a round";
  if (effect.round != released_ + 1) return "a round out of turn";
  if (effect.attempt != attempt_ + 1) return "an attempt out of turn";
  attempt_ = effect.attempt;
  open_ = Round{effect.round, effect.attempt, {}, {}, {}};
  return "";
}

std::string Referee::See(const ReleaseRound& effect) {
  if (!open_ || effect.round != open_->round ||
      effect.attempt != open_->attempt) {
    return "a release of no open round";
  }
  std::vector<ClientId> accepted;
  std::uint64_t weight = 0;
  for (const auto& [client, counted] : open_->accepted) {
    accepted.push_back(client);
    weight += counted;
  }
  if (effect.contributors != accepted || effect.total_weight != weight) {
    return "a release of other than the accepted";
  }
  if (static_cast<int>(accepted.size()) < options_.min_updates) {
    return "a release without its quorum";
  }
  open_.reset();
  is_making_model_ = true;
  return "";
}

std::string Referee::See(const CommitRound& effect) {
  if (!is_making_model_ || effect.round != released_ + 1) {
    return "a commit of nothing";
  }
  is_making_model_ = false;
  ++released_;
  attempt_ = 0;
  return "";
}

std::string Referee::See(const AbandonRound& effect) {
  if (!open_ || effect.round != open_->round ||
      effect.attempt != open_->attempt) {
    return "no open round to abandon";
  }
  if (effect.accepted != static_cast<int>(open_->accepted.size()) ||
      effect.accepted >= options_.min_updates) {
    return "an abandoned quorum";
  }
  open_.reset();
  return "";
}

std::string Referee::See(const EndRun&) {
  if (is_over_) return "an end after the end";
  is_over_ = true;
  open_.reset();
  return "";
}

std::string Referee::See(const WakeAt& effect) {
  return effect.when > now_ ? "" : "a wake-up that is due already";
}

}  // namespace tributary::round
