// SPDX-License-Identifier: Apache-2.0
// Who waits, who is drawn, who is turned away.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/round/derivation.h"
#include "coordinator/round/pace.h"
#include "coordinator/round/synchronous_engine.h"

namespace tributary::round {
namespace {

// Trainers kept waiting: this round's and the next one's, and some to spare in
// small populations. More would only hold connections open for nothing. Where
// cohorts are drawn among all of a population, all of it waits and nobody else:
// no more may be drawn.
std::size_t WaitingLimit(const Options& options) {
  constexpr int kSpare = 8;
  const auto wanted = static_cast<std::size_t>(options.WaitingWanted());
  if (options.sampling != Sampling::kAny) return wanted;
  return wanted + static_cast<std::size_t>(std::max(options.Asked(), kSpare));
}

}  // namespace

void SynchronousEngine::TrainerChecksIn(const ClientId& client) {
  if (OfferAgain(client, Role::kTrainer)) return;
  if (state_.waiting.contains(client)) return;
  if (!MayWait(client)) {
    Emit(PaceWindow(key_, client, state_.now, Horizon()));
    return;
  }
  state_.aggregators.erase(client);
  state_.waiting.insert(client);
  NoteQuorum();
  OpenIfReady();
}

// Whoever was asked last is free just when a round opens and others leave the
// list. Without this rule a few would be asked for ever, and all others turned
// away: they wait only if too few others do for the next round. Where everyone
// is to be drawn with the same probability nobody stands back.
bool SynchronousEngine::MayWait(const ClientId& client) const {
  if (state_.quarantined.contains(client)) return false;
  if (options_.tree && !options_.tree->takes_trainers) return false;
  const std::size_t room = Room();
  if (options_.sampling != Sampling::kAny) return room > 0;
  const Cohort* cohort = CurrentCohort();
  const bool is_served = state_.served.contains(client) ||
                         (cohort != nullptr && cohort->contains(client));
  if (!is_served) return room > 0;
  return room > 0 &&
         state_.waiting.size() < static_cast<std::size_t>(options_.Asked());
}

// With fewer the round could not be released.
void SynchronousEngine::NoteQuorum() {
  auto* selecting = InPhase<Selecting>();
  if (selecting == nullptr) return;
  if (WaitingLeaves() < options_.WaitingQuorum()) {
    selecting->quorum_since.reset();
  } else if (!selecting->quorum_since) {
    selecting->quorum_since = state_.now;
  }
}

void SynchronousEngine::OpenIfReady() {
  if (InPhase<Selecting>() != nullptr &&
      WaitingLeaves() >= options_.WaitingWanted()) {
    Open();
  }
}

void SynchronousEngine::Open() {
  // The budget may have been spent by others since the last round.
  if (!options_.parent && !HasNextRound()) {
    GoOn();
    return;
  }
  if (state_.task_deadline && *state_.task_deadline <= state_.now) {
    BecomeAbandoned(0, absl::StrCat(WaitingLeaves(), " of at least ",
                                    options_.LeastCohort(), " clients came"));
    return;
  }
  const std::vector<ClientId> aggregators = DrawAggregators();
  const std::int64_t through = AskedThrough(aggregators.size());
  const std::vector<ClientId> trainers = DrawTrainers(through);
  const auto drawn = through + std::ssize(trainers);
  Emit(OpenRound{state_.round, state_.attempt, state_.model});
  if (options_.charged == Charged::kAttempts) Charge();
  if (drawn < options_.LeastCohort()) {
    BecomeAbandoned(0,
                    absl::StrCat(drawn, " of at least ", options_.LeastCohort(),
                                 " clients in the draw"));
    return;
  }
  Cohort cohort = Ask(aggregators, Role::kAggregator);
  cohort.merge(Ask(trainers, Role::kTrainer));
  const Instant deadline = OpenUntil(state_.now);
  if (options_.secure) {
    BecomeKeying(Keying{.opened = state_.now,
                        .step = SecureStep::kAdvertising,
                        .deadline = std::min(StepDeadline(), deadline),
                        .cohort = std::move(cohort),
                        .awaited = {trainers.begin(), trainers.end()}});
  } else {
    const int asked = static_cast<int>(cohort.size());
    BecomeCollecting(Collecting{.opened = state_.now,
                                .deadline = deadline,
                                .cohort = std::move(cohort),
                                .accepted = 0,
                                .outstanding = asked,
                                .ledger = NewLedger()});
  }
}

Cohort SynchronousEngine::Ask(const std::vector<ClientId>& clients, Role role) {
  Cohort cohort;
  for (const ClientId& client : clients) {
    state_.waiting.erase(client);
    state_.aggregators.erase(client);
    Participant participant;
    participant.token = TrainToken(key_, state_.round, state_.attempt, client);
    participant.role = role;
    Emit(OfferTask{client,
                   TrainTask(client, participant, OpenUntil(state_.now))});
    cohort.emplace(client, std::move(participant));
  }
  return cohort;
}

// `through`: leaves that aggregators are asked for.
std::vector<ClientId> SynchronousEngine::DrawTrainers(
    std::int64_t through) const {
  if (options_.sampling == Sampling::kPoisson) return DrawEach();
  const std::int64_t missing = options_.Asked() - through;
  return DrawUniformly(
      state_.waiting, "cohort",
      static_cast<std::size_t>(std::max<std::int64_t>(missing, 0)));
}

// Poisson sampling: a coin for each client, with a key of its own, so that who
// else waits says nothing about it.
std::vector<ClientId> SynchronousEngine::DrawEach() const {
  std::vector<ClientId> drawn;
  for (const ClientId& client : state_.waiting) {
    KeyedStream stream(key_, absl::StrCat("poisson/", state_.round, "/",
                                          state_.attempt, "/", client.name));
    const std::uint64_t coin =
        stream.Below(static_cast<std::uint64_t>(options_.population));
    if (coin < static_cast<std::uint64_t>(options_.cohort_size)) {
      drawn.push_back(client);
    }
  }
  return drawn;
}

// Uniform without replacement: the first steps of a Fisher-Yates shuffle of the
// sorted waiting clients.
std::vector<ClientId> SynchronousEngine::DrawUniformly(
    const std::set<ClientId>& waiting, const char* label,
    std::size_t most) const {
  std::vector<ClientId> drawn(waiting.begin(), waiting.end());
  const std::size_t size = std::min(drawn.size(), most);
  KeyedStream stream(
      key_, absl::StrCat(label, "/", state_.round, "/", state_.attempt));
  for (std::size_t i = 0; i < size; ++i) {
    std::swap(drawn[i], drawn[i + stream.Below(drawn.size() - i)]);
  }
  drawn.resize(size);
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::size_t SynchronousEngine::Room() const {
  if (std::holds_alternative<Finishing>(state_.phase) ||
      std::holds_alternative<Ended>(state_.phase)) {
    return 0;
  }
  const std::size_t limit = WaitingLimit(options_);
  return limit - std::min(limit, state_.waiting.size());
}

// Until the round is over; it will last as long as the last one did, or to its
// deadline if that is not known.
Duration SynchronousEngine::Horizon() const {
  const Duration typical = std::min(
      options_.deadline, state_.last_collected.value_or(options_.deadline));
  if (const auto* keying = std::get_if<Keying>(&state_.phase)) {
    return std::min(RoundDeadline(), keying->opened + typical) - state_.now;
  }
  if (const auto* collecting = std::get_if<Collecting>(&state_.phase)) {
    return std::min(collecting->deadline, collecting->opened + typical) -
           state_.now;
  }
  if (const auto* unmasking = std::get_if<Unmasking>(&state_.phase)) {
    return unmasking->deadline - state_.now;
  }
  if (const auto* abandoned = std::get_if<Abandoned>(&state_.phase)) {
    return abandoned->until - state_.now;
  }
  if (std::holds_alternative<Finishing>(state_.phase)) {
    return options_.evaluation_deadline;
  }
  return typical;
}

void SynchronousEngine::BecomeSelecting() {
  state_.phase = Selecting{};
  NoteQuorum();
  OpenIfReady();
}

}  // namespace tributary::round
