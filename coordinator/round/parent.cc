// SPDX-License-Identifier: Apache-2.0
// Rounds that are tasks of a parent's: when they begin, by when they close, and
// the rest between them.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {
namespace {

// No round lasts longer (Options::Validate), so no task has to.
constexpr Duration kLongestTask = std::chrono::hours(24 * 30);

Duration Share(Duration time_left, double share) {
  const auto left = std::clamp(time_left, Duration{}, kLongestTask);
  return Duration(static_cast<Duration::rep>(
      std::floor(static_cast<double>(left.count()) * share)));
}

}  // namespace

void SynchronousEngine::Handle(const TaskGiven& event) {
  if (!options_.parent || InPhase<Ended>() != nullptr) return;
  const Instant deadline =
      state_.now + Share(event.time_left, options_.parent->deadline_share);
  if (IsInHand(event.round, event.attempt)) return BringForward(deadline);
  // Whoever had a task of that attempt, or of a later one, has done with it: a
  // second sum of it could count its leaves twice.
  const bool is_newer =
      !state_.round_seed || std::tie(event.round, event.attempt) >
                                std::tie(state_.round, state_.attempt);
  if (!is_newer) return;
  if (InPhase<Resting>() == nullptr) {
    AbandonAttempt(ToldOfAbandoned(),
                   absl::StrCat("the parent went on to round ", event.round,
                                ".", event.attempt));
  }
  state_.round = event.round;
  state_.attempt = event.attempt;
  state_.model = event.model;
  state_.round_seed = event.round_seed;
  state_.task_deadline = deadline;
  if (event.clip_norm) state_.clip_norm = event.clip_norm;
  EndQuarantines();
  BecomeSelecting();
}

void SynchronousEngine::Handle(const TaskOver& event) {
  if (!IsInHand(event.round, event.attempt)) return;
  AbandonAttempt(ToldOfAbandoned(), "the parent wants it no more");
}

bool SynchronousEngine::IsInHand(int round, int attempt) const {
  return options_.parent && state_.task_deadline && state_.round == round &&
         state_.attempt == attempt;
}

// The clock stands while the process is down, the parent's does not.
void SynchronousEngine::BringForward(Instant deadline) {
  state_.task_deadline = std::min(*state_.task_deadline, deadline);
  if (auto* keying = InPhase<Keying>()) {
    keying->deadline = std::min(keying->deadline, *state_.task_deadline);
  } else if (auto* collecting = InPhase<Collecting>()) {
    collecting->deadline =
        std::min(collecting->deadline, OpenUntil(collecting->opened));
  }
}

// When a round that was opened then closes; after it was opened.
Instant SynchronousEngine::OpenUntil(Instant opened) const {
  const Instant deadline = opened + options_.deadline;
  if (!state_.task_deadline) return deadline;
  return std::max(opened + Duration(1),
                  std::min(deadline, *state_.task_deadline));
}

// A quorum waits for others for half the time that it has, at most: those that
// are there need the rest to train.
std::optional<Instant> SynchronousEngine::SelectingUntil(
    const Selecting& selecting) const {
  const auto& since = selecting.quorum_since;
  if (!state_.task_deadline) {
    if (!since) return std::nullopt;
    return *since + options_.selection_timeout;
  }
  if (!since) return state_.task_deadline;
  return *since + std::min(options_.selection_timeout,
                           (*state_.task_deadline - *since) / 2);
}

void SynchronousEngine::BecomeResting() {
  state_.task_deadline.reset();
  state_.phase = Resting{};
}

}  // namespace tributary::round
