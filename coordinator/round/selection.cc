// SPDX-License-Identifier: Apache-2.0
// Who waits, who is drawn, who is turned away.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/engine.h"
#include "coordinator/round/pace.h"

namespace tributary::round {
namespace {

// Trainers kept waiting: this round's and the next one's, and some to spare in
// small populations. More would only hold connections open for nothing.
std::size_t WaitingLimit(const Options& options) {
  constexpr int kSpare = 8;
  return static_cast<std::size_t>(options.Asked()) +
         static_cast<std::size_t>(std::max(options.Asked(), kSpare));
}

}  // namespace

void Engine::TrainerChecksIn(const ClientId& client) {
  if (const auto* collecting = InPhase<Collecting>()) {
    const auto found = collecting->cohort.find(client);
    if (found != collecting->cohort.end() &&
        found->second.state == Participation::kAsked) {
      Emit(OfferTask{client, TrainTask(client, *collecting)});
      return;
    }
  }
  if (state_.waiting.contains(client)) return;
  if (!MayWait(client)) {
    Emit(PaceWindow(key_, client, state_.now, Horizon()));
    return;
  }
  state_.waiting.insert(client);
  NoteQuorum();
  OpenIfReady();
}

// Whoever was asked last is free just when a round opens and others leave the
// list. Without this rule a few would be asked for ever, and all others turned
// away: they wait only if too few others do for the next round.
bool Engine::MayWait(const ClientId& client) const {
  const std::size_t room = Room();
  const auto* collecting = std::get_if<Collecting>(&state_.phase);
  const bool is_served =
      state_.served.contains(client) ||
      (collecting != nullptr && collecting->cohort.contains(client));
  if (!is_served) return room > 0;
  return room > 0 &&
         state_.waiting.size() < static_cast<std::size_t>(options_.Asked());
}

// Quorum is min_updates: with fewer the round could not close.
void Engine::NoteQuorum() {
  auto* selecting = InPhase<Selecting>();
  if (selecting == nullptr) return;
  if (state_.waiting.size() < static_cast<std::size_t>(options_.min_updates)) {
    selecting->quorum_since.reset();
  } else if (!selecting->quorum_since) {
    selecting->quorum_since = state_.now;
  }
}

void Engine::OpenIfReady() {
  if (InPhase<Selecting>() != nullptr &&
      state_.waiting.size() >= static_cast<std::size_t>(options_.Asked())) {
    BecomeCollecting(DrawCohort());
  }
}

// Uniform without replacement: the first steps of a Fisher-Yates shuffle of the
// sorted waiting clients.
std::vector<ClientId> Engine::DrawCohort() const {
  std::vector<ClientId> drawn(state_.waiting.begin(), state_.waiting.end());
  const std::size_t size =
      std::min(drawn.size(), static_cast<std::size_t>(options_.Asked()));
  KeyedStream stream(
      key_, absl::StrCat("cohort/", state_.round, "/", state_.attempt));
  for (std::size_t i = 0; i < size; ++i) {
    std::swap(drawn[i], drawn[i + stream.Below(drawn.size() - i)]);
  }
  drawn.resize(size);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::size_t Engine::Room() const {
  if (std::holds_alternative<Finishing>(state_.phase) ||
      std::holds_alternative<Ended>(state_.phase)) {
    return 0;
  }
  const std::size_t limit = WaitingLimit(options_);
  return limit - std::min(limit, state_.waiting.size());
}

// Until the round is over; it will last as long as the last one did, or to its
// deadline if that is not known.
Duration Engine::Horizon() const {
  const Duration typical = std::min(
      options_.deadline, state_.last_collected.value_or(options_.deadline));
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    return std::min(collecting->deadline, collecting->opened + typical) -
           state_.now;
  }
  if (const auto* abandoned = std::get_if<Abandoned>(&state_.phase)) {
    return abandoned->until - state_.now;
  }
  if (std::holds_alternative<Finishing>(state_.phase)) {
    return options_.evaluation_deadline;
  }
  return typical;
}

void Engine::BecomeSelecting() {
  state_.phase = Selecting{};
  NoteQuorum();
  OpenIfReady();
}

void Engine::BecomeCollecting(std::vector<ClientId> cohort) {
  Collecting collecting{.opened = state_.now,
                        .deadline = state_.now + options_.deadline,
                        .cohort = {},
                        .accepted = 0,
                        .outstanding = static_cast<int>(cohort.size())};
  Emit(OpenRound{state_.round, state_.attempt, state_.model});
  for (const ClientId& client : cohort) {
    state_.waiting.erase(client);
    Participant participant;
    participant.token = TrainToken(key_, state_.round, state_.attempt, client);
    collecting.cohort.emplace(client, std::move(participant));
    Emit(OfferTask{client, TrainTask(client, collecting)});
  }
  state_.phase = std::move(collecting);
}

}  // namespace tributary::round
