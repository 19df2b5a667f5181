// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/round/referee.h"

#include <algorithm>

#include "tests/coordinator/round/effect_text.h"

namespace tributary::round {

std::string Referee::Watch(const Event& event, Instant now,
                           const std::vector<Effect>& effects) {
  now_ = std::max(now_, now);
  const bool was_over = is_over_;
  Note(event);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const Effect& effect = effects[i];
    if (!untold_.empty() && !std::holds_alternative<QuarantineClient>(effect) &&
        !std::holds_alternative<ComeBack>(effect)) {
      return "a quarantine that is not told";
    }
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
  if (coming_) {
    if (has_task_) return "a task of the parent's beside another";
    TakeTask(coming_->first, coming_->second);
  }
  if (!untold_.empty()) return "a quarantine that is not told";
  if (open_ && open_->asked.empty()) return "a round of nobody";
  if (must_abandon_) return "an attempt that goes on without its session";
  const bool is_waiting = has_task_ && !is_making_model_ && !open_;
  if ((is_waiting || (open_ && !open_->is_closing())) &&
      (effects.empty() || !std::holds_alternative<WakeAt>(effects.back()))) {
    return "an open round without a wake-up";
  }
  if (std::holds_alternative<StopRequested>(event) && !is_over_) {
    return "a stop that did not stop";
  }
  return "";
}

void Referee::Note(const Event& event) {
  must_abandon_ = false;
  made_.reset();
  if (const auto* made = std::get_if<ModelReleased>(&event)) made_ = *made;
  arrived_.reset();
  if (const auto* arrived = std::get_if<UpdateArrived>(&event)) {
    arrived_ = *arrived;
  }
  if (options_.parent && !is_over_) {
    if (const auto* task = std::get_if<TaskGiven>(&event)) {
      const std::pair<int, int> attempt(task->round, task->attempt);
      if (attempt > given_) coming_ = attempt;
    } else if (const auto* over = std::get_if<TaskOver>(&event)) {
      must_abandon_ =
          has_task_ && given_ == std::pair(over->round, over->attempt);
    }
  }
  if (!options_.secure || is_over_) return;
  if (const auto* failed = std::get_if<TaskFailed>(&event)) {
    if (IsInSession(failed->client, failed->token)) {
      open_->left.insert(failed->client);
    }
  } else if (const auto* answered = std::get_if<SecureAnswered>(&event)) {
    constexpr int kBeforeUnmasking = 5;
    if (IsInSession(answered->client, answered->token) &&
        open_->closed == kBeforeUnmasking &&
        answered->step == SecureStep::kUnmasking) {
      open_->left.insert(answered->client);
    }
  } else if (std::holds_alternative<Restarted>(event)) {
    must_abandon_ = open_ || is_making_model_;
  } else if (const auto* lost = std::get_if<SecureAbandoned>(&event)) {
    must_abandon_ = (open_ || is_making_model_) && lost->round == Current() &&
                    lost->attempt == attempt_;
  } else if (const auto* closed = std::get_if<SecureStepClosed>(&event)) {
    if (!open_ || !open_->is_closing() || closed->round != open_->round ||
        closed->attempt != open_->attempt ||
        static_cast<int>(closed->step) != open_->closed) {
      return;
    }
    ++open_->closed;
    if (closed->step == SecureStep::kMasking) {
      open_->survivors = {closed->remaining.begin(), closed->remaining.end()};
    }
  }
}

bool Referee::IsInSession(const ClientId& client,
                          const TaskToken& token) const {
  if (!options_.secure || !open_) return false;
  const auto found = open_->asked.find(client);
  return found != open_->asked.end() && found->second == token &&
         !open_->cancelled.contains(client);
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
  if (quarantined_.contains(client)) return "somebody in quarantine is asked";
  const auto [asked, is_new] = open_->asked.emplace(client, task.token);
  if (!is_new && !HasOpenTask(client, task.token) &&
      !IsInSession(client, task.token)) {
    return "a task again, other";
  }
  const auto role = open_->roles.emplace(client, task.role).first->second;
  if (role != task.role) return "a task of another role";
  if (role == Role::kAggregator && !options_.tree) return "no tree";
  if (IsOverAsked(*open_)) return "more asked than may be";
  return task.clip_norm == clip_norm_.value_or(0) ? "" : "another clip norm";
}

// Aggregators are asked first, and clients for what is missing.
bool Referee::IsOverAsked(const Round& round) const {
  int aggregators = 0;
  for (const auto& [client, role] : round.roles) {
    if (role == Role::kAggregator) ++aggregators;
  }
  const int trainers = static_cast<int>(round.roles.size()) - aggregators;
  int most = options_.sampling == Sampling::kPoisson ? options_.population
                                                     : options_.Asked();
  if (options_.tree) {
    if (aggregators > options_.tree->aggregators) return true;
    most -= aggregators * options_.AskedThroughEach();
    if (!options_.tree->takes_trainers) most = 0;
  }
  return trainers > std::max(most, 0);
}

void Referee::TakeTask(int round, int attempt) {
  if (has_task_ || coming_ != std::pair(round, attempt)) return;
  given_ = *coming_;
  coming_.reset();
  has_task_ = true;
  std::erase_if(quarantined_,
                [&](const auto& each) { return each.second <= round; });
}

std::string Referee::See(const ComeBack& effect) {
  const bool is_fair = effect.earliest >= std::chrono::seconds(1) &&
                       effect.earliest < effect.latest &&
                       effect.latest <= std::chrono::minutes(5);
  return is_fair ? "" : "a window out of bounds";
}

std::string Referee::See(const GrantUpload& effect) {
  if (open_ && !MayTakeUpdates()) return "a grant in another step";
  return HasOpenTask(effect.client, effect.token) ? "" : "a grant for no task";
}

std::string Referee::See(const AcceptUpdate& effect) {
  if (!HasOpenTask(effect.client, effect.token)) return "no task to accept";
  if (!MayTakeUpdates()) return "an update in another step";
  std::uint64_t leaves = 1;
  if (options_.tree &&
      static_cast<int>(open_->leaves.size()) >= options_.cohort_size) {
    return "a sum that the round does not want";
  }
  if (open_->roles.at(effect.client) == Role::kAggregator) {
    if (!arrived_ || arrived_->client != effect.client) return "a sum unseen";
    leaves = arrived_->leaves.size();
    for (const ClientId& leaf : arrived_->leaves.leaves()) {
      if (!open_->leaves.insert(leaf).second) return "a leaf counted twice";
    }
  } else if (!open_->leaves.insert(effect.client).second) {
    return "a client counted twice";
  }
  if (effect.weight < leaves || effect.weight > leaves * options_.max_weight) {
    return "a weight out of bounds";
  }
  if (!counted_.insert(effect.token).second) return "a token counted twice";
  open_->accepted.emplace(effect.client, effect.weight);
  if (!options_.secure && options_.sampling == Sampling::kAny &&
      !options_.tree &&
      static_cast<int>(open_->accepted.size()) > options_.cohort_size) {
    return "more accepted than the cohort";
  }
  if (options_.packed && effect.weight != leaves) return "a weight of its own";
  return "";
}

std::string Referee::See(const AcknowledgeAgain& effect) {
  return counted_.contains(effect.token) ? "" : "nothing to acknowledge";
}

std::string Referee::See(const Refuse& effect) {
  ++refusals_;
  if (effect.reason == Refusal::kOverlap) {
    if (!arrived_ || !HasOpenTask(effect.client, effect.token)) {
      return "an overlap of nothing";
    }
    std::vector<ClientId> both;
    for (const ClientId& leaf : arrived_->leaves.leaves()) {
      if (open_->leaves.contains(leaf)) both.push_back(leaf);
    }
    const auto named = effect.overlap.leaves();
    if (both.empty() || !std::ranges::equal(both, named)) {
      return "an overlap of others";
    }
  }
  if (IsStrike(effect)) {
    open_->struck.insert(effect.client);
    Strike(effect.client);
  }
  return effect.reason == Refusal::kNone ? "a refusal without a reason" : "";
}

// Whether it is said of what the client sent for a task that it has.
bool Referee::IsStrike(const Refuse& effect) const {
  static const std::set<Refusal> kMisbehaviour = {
      Refusal::kWrongSize,  Refusal::kBadChecksum, Refusal::kBadEncoding,
      Refusal::kNotFinite,  Refusal::kOverBound,   Refusal::kBadWeight,
      Refusal::kBadMessage, Refusal::kBadProtocol};
  if (!open_ || !kMisbehaviour.contains(effect.reason)) return false;
  if (HasOpenTask(effect.client, effect.token)) {
    return !open_->struck.contains(effect.client);
  }
  return effect.reason == Refusal::kBadProtocol &&
         IsInSession(effect.client, effect.token) &&
         !open_->left.contains(effect.client) &&
         !open_->struck.contains(effect.client);
}

void Referee::Strike(const ClientId& client) {
  if (!options_.quarantine || quarantined_.contains(client)) return;
  if (++strikes_[client] < options_.quarantine->strikes) return;
  strikes_.erase(client);
  quarantined_[client] = Current() + options_.quarantine->rounds + 1;
  untold_.insert(client);
}

std::string Referee::See(const QuarantineClient& effect) {
  if (untold_.erase(effect.client) == 0) return "a quarantine for nothing";
  if (effect.until != quarantined_.at(effect.client)) {
    return "a quarantine of another length";
  }
  return effect.reason.empty() ? "a quarantine without a reason" : "";
}

std::string Referee::See(const CancelTask& effect) {
  const auto evaluation = evaluations_.find(effect.token);
  if (evaluation != evaluations_.end()) {
    return evaluation->second.first == effect.client ? "" : "another's task";
  }
  if (!HasOpenTask(effect.client, effect.token) &&
      !IsInSession(effect.client, effect.token)) {
    return "no task to cancel";
  }
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
  if (options_.parent) {
    TakeTask(effect.round, effect.attempt);
    if (!has_task_ || given_ != std::pair(effect.round, effect.attempt)) {
      return "a round that the parent did not ask for";
    }
  } else if (effect.round != released_ + 1) {
    return "a round out of turn";
  } else if (effect.attempt != attempt_ + 1) {
    return "an attempt out of turn";
  }
  if (options_.max_debits && debits_ >= *options_.max_debits) {
    return "a round that the budget does not pay for";
  }
  attempt_ = effect.attempt;
  ++opened_;
  open_ = Round{};
  open_->round = effect.round;
  open_->attempt = effect.attempt;
  return "";
}

bool Referee::MayTakeUpdates() const {
  constexpr int kKeySteps = 3;
  return !options_.secure ||
         (open_->closed == kKeySteps && open_->asked_to_close == kKeySteps);
}

// Each step of an attempt once, in order: there is no second unmasking.
std::string Referee::See(const CloseSecureStep& effect) {
  if (!options_.secure || !open_ || effect.round != open_->round ||
      effect.attempt != open_->attempt) {
    return "a step of no session";
  }
  if (open_->is_closing()) return "a step before the last is closed";
  if (static_cast<int>(effect.step) != open_->asked_to_close) {
    return "a step out of turn";
  }
  if (effect.step == SecureStep::kMasking &&
      static_cast<int>(open_->accepted.size()) < options_.min_updates) {
    return "a sum of too few to unmask";
  }
  ++open_->asked_to_close;
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
  if (effect.leaves != open_->leaves.size()) return "a release of other leaves";
  if (static_cast<int>(open_->leaves.size()) < options_.min_updates) {
    return "a release without its quorum";
  }
  if (options_.secure) {
    constexpr int kSteps = 6;
    if (open_->closed != kSteps) return "a release under masks";
    const std::set<ClientId> released(accepted.begin(), accepted.end());
    if (released != open_->survivors) {
      return "a release of others than the session's";
    }
  }
  ++debits_;
  making_of_ = static_cast<int>(open_->leaves.size());
  makers_ = {accepted.begin(), accepted.end()};
  open_.reset();
  is_making_model_ = true;
  return "";
}

std::string Referee::See(const CommitRound& effect) {
  if (!is_making_model_ || effect.round != Current()) {
    return "a commit of nothing";
  }
  if (!made_ || effect.aggregates != made_->aggregates) {
    return "a commit of other aggregates";
  }
  if (!options_.parent && clip_norm_ && made_->next_clip_norm)
    clip_norm_ = made_->next_clip_norm;
  for (const ClientId& client : made_->outliers) {
    if (makers_.contains(client)) Strike(client);
  }
  is_making_model_ = false;
  ++released_;
  attempt_ = 0;
  has_task_ = false;
  if (options_.parent) return "";
  std::erase_if(quarantined_, [this](const auto& each) {
    return each.second <= released_ + 1;
  });
  return "";
}

std::string Referee::See(const AbandonRound& effect) {
  const bool is_lost = options_.secure && is_making_model_;
  if (options_.parent) {
    TakeTask(effect.round, effect.attempt);
    if (!has_task_ || given_ != std::pair(effect.round, effect.attempt)) {
      return "no task to give up";
    }
    has_task_ = false;
  } else if ((!open_ && !is_lost) || effect.round != released_ + 1 ||
             effect.attempt != attempt_) {
    return "no open round to abandon";
  }
  const int making = is_making_model_ ? making_of_ : 0;
  const int accepted = open_ ? static_cast<int>(open_->leaves.size()) : making;
  if (effect.accepted != accepted) return "a wrong number of lost updates";
  if (accepted >= options_.min_updates && !options_.secure &&
      !options_.parent) {
    return "an abandoned quorum";
  }
  if (open_ || is_making_model_) ++abandoned_;
  must_abandon_ = false;
  is_making_model_ = false;
  open_.reset();
  return "";
}

std::string Referee::See(const EndRun&) {
  if (is_over_) return "an end after the end";
  is_over_ = true;
  must_abandon_ = false;
  has_task_ = false;
  coming_.reset();
  open_.reset();
  return "";
}

std::string Referee::See(const WakeAt& effect) {
  return effect.when > now_ ? "" : "a wake-up that is due already";
}

}  // namespace tributary::round
