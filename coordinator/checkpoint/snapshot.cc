// SPDX-License-Identifier: Apache-2.0
#include "coordinator/checkpoint/snapshot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/assign.h"
#include "coordinator/checkpoint/fields.h"

namespace tributary::checkpoint {
namespace {

using round::Participant;
using round::Participation;
using Participants = google::protobuf::RepeatedPtrField<v1::EngineParticipant>;

constexpr std::uint32_t kVersion = 1;

// ---- writing ----

v1::EngineParticipant::State FromParticipation(Participation state) {
  switch (state) {
    case Participation::kAsked:
      return v1::EngineParticipant::ASKED;
    case Participation::kAccepted:
      return v1::EngineParticipant::ACCEPTED;
    case Participation::kRefused:
      return v1::EngineParticipant::REFUSED;
    case Participation::kFailed:
      return v1::EngineParticipant::FAILED;
  }
  return v1::EngineParticipant::STATE_UNSPECIFIED;
}

void WriteCohort(const round::Cohort& cohort, Participants* to) {
  to->Reserve(static_cast<int>(cohort.size()));
  for (const auto& [client, participant] : cohort) {
    auto* written = to->Add();
    written->set_client(client.name);
    written->set_state(FromParticipation(participant.state));
    written->set_token(FromToken(participant.token));
    if (participant.state == Participation::kAccepted) {
      *written->mutable_contribution() =
          FromContribution(participant.contribution);
      written->set_declared_weight(participant.declared_weight);
      Write(participant.leaves, written->mutable_leaves());
      written->set_staleness(static_cast<std::uint32_t>(participant.staleness));
    }
    written->set_refusal(FromRefusal(participant.refusal));
    if (participant.role == round::Role::kAggregator) {
      written->set_role(v1::AGGREGATOR);
    }
  }
}

v1::EngineState::Ended::How FromEnd(round::RunEnd end) {
  switch (end) {
    case round::RunEnd::kFinished:
      return v1::EngineState::Ended::FINISHED;
    case round::RunEnd::kStopped:
      return v1::EngineState::Ended::STOPPED;
    case round::RunEnd::kFailed:
      return v1::EngineState::Ended::FAILED;
  }
  return v1::EngineState::Ended::HOW_UNSPECIFIED;
}

class PhaseWriter {
 public:
  explicit PhaseWriter(v1::EngineState* state) : state_(state) {}

  void operator()(const round::Selecting& from) {
    auto* to = state_->mutable_selecting();
    if (from.quorum_since) {
      to->set_quorum_since_ms(FromInstant(*from.quorum_since));
    }
  }
  void operator()(const round::Keying& from) {
    auto* to = state_->mutable_keying();
    WriteStep(from, to);
    Write(from.awaited, to->mutable_awaited());
    to->set_members(static_cast<std::uint32_t>(from.members));
  }
  void operator()(const round::Collecting& from) {
    auto* to = state_->mutable_collecting();
    to->set_opened_ms(FromInstant(from.opened));
    to->set_deadline_ms(FromInstant(from.deadline));
    WriteCohort(from.cohort, to->mutable_cohort());
    to->set_members(static_cast<std::uint32_t>(from.members));
    Write(from.gone, to->mutable_gone());
    to->set_is_closing(from.is_closing);
    if (!from.ledger) return;
    to->mutable_ledger();
    for (const auto& [aggregator, epoch] : from.ledger->epochs()) {
      auto* fence = to->mutable_ledger()->add_fences();
      fence->set_aggregator(aggregator.name);
      fence->set_epoch(epoch);
    }
  }
  void operator()(const round::Unmasking& from) {
    auto* to = state_->mutable_unmasking();
    WriteStep(from, to);
    Write(from.members, to->mutable_members());
    Write(from.awaited, to->mutable_awaited());
  }
  void operator()(const round::Buffering& from) {
    auto* to = state_->mutable_buffering();
    to->set_opened_ms(FromInstant(from.opened));
    WriteCohort(from.cohort, to->mutable_cohort());
  }
  void operator()(const round::Released& from) {
    auto* to = state_->mutable_released();
    to->set_opened_ms(FromInstant(from.opened));
    WriteCohort(from.cohort, to->mutable_cohort());
  }
  void operator()(const round::Abandoned& from) {
    state_->mutable_abandoned()->set_until_ms(FromInstant(from.until));
  }
  void operator()(const round::Finishing&) { state_->mutable_finishing(); }
  void operator()(const round::Resting&) { state_->mutable_resting(); }
  void operator()(const round::Ended& from) {
    auto* to = state_->mutable_ended();
    to->set_how(FromEnd(from.end));
    to->set_reason(from.reason);
  }

 private:
  // What the phases before and after the masked updates have in common.
  template <typename From, typename To>
  static void WriteStep(const From& from, To* to) {
    to->set_opened_ms(FromInstant(from.opened));
    to->set_step(FromStep(from.step));
    to->set_deadline_ms(FromInstant(from.deadline));
    WriteCohort(from.cohort, to->mutable_cohort());
    to->set_is_closing(from.is_closing);
  }

  v1::EngineState* state_;
};

// ---- reading ----

absl::StatusOr<Participation> ToParticipation(
    v1::EngineParticipant::State state) {
  switch (state) {
    case v1::EngineParticipant::ASKED:
      return Participation::kAsked;
    case v1::EngineParticipant::ACCEPTED:
      return Participation::kAccepted;
    case v1::EngineParticipant::REFUSED:
      return Participation::kRefused;
    case v1::EngineParticipant::FAILED:
      return Participation::kFailed;
    default:
      return Damaged(
          absl::StrCat("unknown participation ", static_cast<int>(state)));
  }
}

// Of a participant that was counted.
absl::Status ReadLeaves(const v1::EngineParticipant& from, Participant& to) {
  TRIBUTARY_ASSIGN(to.leaves, ToLeaves(from.leaves()));
  const auto& subtree = to.contribution.subtree;
  if (to.role == round::Role::kTrainer) {
    if (!subtree && to.leaves.size() == 0) return absl::OkStatus();
    return Damaged("a sum of a client that is no aggregator");
  }
  if (!subtree || to.leaves.size() == 0 ||
      subtree->leaves != to.leaves.size() ||
      subtree->names != to.leaves.Name() ||
      subtree->weight != to.contribution.weight ||
      to.declared_weight != to.contribution.weight) {
    return Damaged("a sum that is not of its leaves");
  }
  return absl::OkStatus();
}

absl::StatusOr<Participant> ReadParticipant(const v1::EngineParticipant& from) {
  Participant to;
  if (from.role() == v1::AGGREGATOR) {
    to.role = round::Role::kAggregator;
  } else if (from.role() != v1::ROLE_UNSPECIFIED) {
    return Damaged(
        absl::StrCat("a participant of role ", static_cast<int>(from.role())));
  }
  TRIBUTARY_ASSIGN(to.state, ToParticipation(from.state()));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  TRIBUTARY_ASSIGN(to.refusal, ToRefusal(from.refusal()));
  const bool over =
      to.state == Participation::kRefused || to.state == Participation::kFailed;
  if (over != (to.refusal != round::Refusal::kNone)) {
    return Damaged("a participant whose outcome and refusal disagree");
  }
  if (to.state == Participation::kAccepted) {
    TRIBUTARY_ASSIGN(to.contribution, ToContribution(from.contribution()));
    to.declared_weight = from.declared_weight();
    if (to.contribution.weight == 0 || to.declared_weight == 0) {
      return Damaged("a counted update without a weight");
    }
    if (!std::isfinite(to.contribution.train_loss)) {
      return Damaged("a counted training loss that is not finite");
    }
    if (absl::Status read = ReadLeaves(from, to); !read.ok()) return read;
    if (from.staleness() > kMaxRound) {
      return Damaged(absl::StrCat("a staleness of ", from.staleness()));
    }
    to.staleness = static_cast<int>(from.staleness());
  }
  return to;
}

// Somebody or nobody.
absl::StatusOr<round::Cohort> ReadParticipants(const Participants& from) {
  round::Cohort to;
  for (const auto& read : from) {
    round::ClientId client;
    Participant participant;
    TRIBUTARY_ASSIGN(client, ToClient(read.client()));
    TRIBUTARY_ASSIGN(participant, ReadParticipant(read));
    if (!to.emplace(std::move(client), std::move(participant)).second) {
      return Damaged("a participant twice");
    }
  }
  return to;
}

absl::StatusOr<round::Cohort> ReadCohort(const Participants& from) {
  if (from.empty()) return Damaged("a round of nobody");
  return ReadParticipants(from);
}

// The sums of a cohort, as one that takes aggregators' counted them.
absl::StatusOr<round::LeafLedger> LedgerOf(const round::Cohort& cohort) {
  round::LeafLedger ledger;
  for (const auto& [client, participant] : cohort) {
    if (participant.state != Participation::kAccepted) continue;
    const round::SumVerdict verdict =
        participant.role == round::Role::kAggregator
            ? ledger.Count(client, participant.contribution.subtree->epoch,
                           participant.leaves)
            : ledger.CountByItself(client);
    if (!std::holds_alternative<round::SumCounts>(verdict)) {
      return Damaged(round::Describe(verdict, client, ledger));
    }
  }
  return ledger;
}

bool HasAggregators(const round::Cohort& cohort) {
  return std::ranges::any_of(cohort, [](const auto& each) {
    return each.second.role == round::Role::kAggregator;
  });
}

absl::Status CheckThatNoneAreAggregators(const round::Cohort& cohort) {
  if (!HasAggregators(cohort)) return absl::OkStatus();
  return Damaged("an aggregator where none is asked");
}

absl::StatusOr<int> ToMembers(std::uint32_t members, std::size_t cohort) {
  if (members > cohort) {
    return Damaged(
        absl::StrCat("a session of ", members, " in a cohort of ", cohort));
  }
  return static_cast<int>(members);
}

// All of `clients` are in the cohort with this outcome.
absl::Status CheckThatAre(Participation state,
                          const std::set<round::ClientId>& clients,
                          const round::Cohort& cohort) {
  for (const round::ClientId& client : clients) {
    const auto found = cohort.find(client);
    if (found == cohort.end() || found->second.state != state) {
      return Damaged("a secure session with somebody else");
    }
  }
  return absl::OkStatus();
}

// What the phases before and after the masked updates have in common.
template <typename From, typename To>
absl::Status ReadStep(const From& from, Participation of_session, To& to) {
  TRIBUTARY_ASSIGN(to.opened, ToInstant(from.opened_ms()));
  TRIBUTARY_ASSIGN(to.step, ToStep(from.step()));
  TRIBUTARY_ASSIGN(to.deadline, ToInstant(from.deadline_ms()));
  TRIBUTARY_ASSIGN(to.cohort, ReadCohort(from.cohort()));
  TRIBUTARY_ASSIGN(to.awaited, ToClients(from.awaited()));
  to.is_closing = from.is_closing();
  if (to.awaited.empty() && !to.is_closing) {
    return Damaged("a step that waits for nobody");
  }
  if (auto status = CheckThatNoneAreAggregators(to.cohort); !status.ok()) {
    return status;
  }
  return CheckThatAre(of_session, to.awaited, to.cohort);
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Keying& from) {
  round::Keying to;
  if (absl::Status read = ReadStep(from, Participation::kAsked, to);
      !read.ok()) {
    return read;
  }
  if (to.step > round::SecureStep::kSharing) {
    return Damaged("a step that is not of the keys");
  }
  TRIBUTARY_ASSIGN(to.members, ToMembers(from.members(), to.cohort.size()));
  return to;
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Unmasking& from) {
  round::Unmasking to;
  if (absl::Status read = ReadStep(from, Participation::kAccepted, to);
      !read.ok()) {
    return read;
  }
  if (to.step < round::SecureStep::kAgreeing) {
    return Damaged("a step that is not of the unmasking");
  }
  TRIBUTARY_ASSIGN(to.members, ToClients(from.members()));
  if (!std::includes(to.members.begin(), to.members.end(), to.awaited.begin(),
                     to.awaited.end())) {
    return Damaged("an answer awaited of somebody who left");
  }
  if (absl::Status status =
          CheckThatAre(Participation::kAccepted, to.members, to.cohort);
      !status.ok()) {
    return status;
  }
  return to;
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Collecting& from) {
  round::Collecting to;
  TRIBUTARY_ASSIGN(to.opened, ToInstant(from.opened_ms()));
  TRIBUTARY_ASSIGN(to.deadline, ToInstant(from.deadline_ms()));
  TRIBUTARY_ASSIGN(to.cohort, ReadCohort(from.cohort()));
  for (const auto& [client, participant] : to.cohort) {
    if (participant.state == Participation::kAccepted) ++to.accepted;
    if (participant.state == Participation::kAsked) ++to.outstanding;
  }
  TRIBUTARY_ASSIGN(to.members, ToMembers(from.members(), to.cohort.size()));
  TRIBUTARY_ASSIGN(to.gone, ToClients(from.gone()));
  to.is_closing = from.is_closing();
  if (to.deadline <= to.opened) return Damaged("a deadline before its round");
  if (to.outstanding == 0 && !to.is_closing) {
    return Damaged("a settled round that is open");
  }
  if (to.members == 0 && (to.is_closing || !to.gone.empty())) {
    return Damaged("a step of no session");
  }
  if (absl::Status status =
          CheckThatAre(Participation::kAccepted, to.gone, to.cohort);
      !status.ok()) {
    return status;
  }
  if (!from.has_ledger()) {
    if (auto status = CheckThatNoneAreAggregators(to.cohort); !status.ok()) {
      return status;
    }
    return to;
  }
  if (to.members != 0) return Damaged("a secure session in a tree");
  TRIBUTARY_ASSIGN(to.ledger, LedgerOf(to.cohort));
  for (const auto& fence : from.ledger().fences()) {
    round::ClientId aggregator;
    TRIBUTARY_ASSIGN(aggregator, ToClient(fence.aggregator()));
    if (fence.epoch() == 0 || to.ledger->epochs().contains(aggregator)) {
      return Damaged("a fence of no epoch, or twice");
    }
    to.ledger->Fence(aggregator, fence.epoch());
  }
  return to;
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Buffering& from) {
  round::Buffering to;
  TRIBUTARY_ASSIGN(to.opened, ToInstant(from.opened_ms()));
  TRIBUTARY_ASSIGN(to.cohort, ReadParticipants(from.cohort()));
  for (const auto& [client, participant] : to.cohort) {
    if (participant.state != Participation::kAccepted) {
      return Damaged("a client in the buffer without an update");
    }
  }
  if (auto status = CheckThatNoneAreAggregators(to.cohort); !status.ok()) {
    return status;
  }
  return to;
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Released& from) {
  round::Released to;
  TRIBUTARY_ASSIGN(to.opened, ToInstant(from.opened_ms()));
  TRIBUTARY_ASSIGN(to.cohort, ReadCohort(from.cohort()));
  if (!HasAggregators(to.cohort)) return to;
  if (auto ledger = LedgerOf(to.cohort); !ledger.ok()) return ledger.status();
  return to;
}

absl::StatusOr<round::Phase> Read(const v1::EngineState::Ended& from) {
  round::Ended to;
  TRIBUTARY_ASSIGN(to.reason, ToReason(from.reason()));
  switch (from.how()) {
    case v1::EngineState::Ended::FINISHED:
      to.end = round::RunEnd::kFinished;
      return to;
    case v1::EngineState::Ended::STOPPED:
      to.end = round::RunEnd::kStopped;
      return to;
    case v1::EngineState::Ended::FAILED:
      to.end = round::RunEnd::kFailed;
      return to;
    default:
      return Damaged("a run that ended in no known way");
  }
}

absl::StatusOr<round::Phase> ReadPhase(const v1::EngineState& from) {
  switch (from.phase_case()) {
    case v1::EngineState::kSelecting: {
      round::Selecting to;
      if (from.selecting().has_quorum_since_ms()) {
        TRIBUTARY_ASSIGN(to.quorum_since,
                         ToInstant(from.selecting().quorum_since_ms()));
      }
      return to;
    }
    case v1::EngineState::kKeying:
      return Read(from.keying());
    case v1::EngineState::kCollecting:
      return Read(from.collecting());
    case v1::EngineState::kUnmasking:
      return Read(from.unmasking());
    case v1::EngineState::kBuffering:
      return Read(from.buffering());
    case v1::EngineState::kReleased:
      return Read(from.released());
    case v1::EngineState::kAbandoned: {
      round::Abandoned to;
      TRIBUTARY_ASSIGN(to.until, ToInstant(from.abandoned().until_ms()));
      return to;
    }
    case v1::EngineState::kFinishing:
      return round::Finishing{};
    case v1::EngineState::kResting:
      return round::Resting{};
    case v1::EngineState::kEnded:
      return Read(from.ended());
    case v1::EngineState::PHASE_NOT_SET:
      break;
  }
  return Damaged("no phase");
}

absl::StatusOr<round::Evaluation> ReadEvaluation(
    const v1::EngineState::Evaluation& from) {
  round::Evaluation to;
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  TRIBUTARY_ASSIGN(to.model, ToModel(from.model()));
  TRIBUTARY_ASSIGN(to.deadline, ToInstant(from.deadline_ms()));
  if (!from.evaluator().empty()) {
    TRIBUTARY_ASSIGN(to.evaluator, ToClient(from.evaluator()));
    TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  } else if (!from.token().empty()) {
    return Damaged("an evaluation token of nobody");
  }
  return to;
}

using Numbers =
    google::protobuf::RepeatedPtrField<v1::EngineState::ClientNumber>;

void Write(const std::map<round::ClientId, int>& numbers, Numbers* to) {
  to->Reserve(static_cast<int>(numbers.size()));
  for (const auto& [client, number] : numbers) {
    auto* written = to->Add();
    written->set_client(client.name);
    written->set_number(static_cast<std::uint32_t>(number));
  }
}

absl::StatusOr<std::map<round::ClientId, int>> ReadNumbers(
    const Numbers& from, std::uint32_t limit, const std::string& what) {
  std::map<round::ClientId, int> to;
  for (const auto& each : from) {
    round::ClientId client;
    int number = 0;
    TRIBUTARY_ASSIGN(client, ToClient(each.client()));
    TRIBUTARY_ASSIGN(number, ToCount(each.number(), limit, what));
    if (!to.emplace(std::move(client), number).second) {
      return Damaged(absl::StrCat(what, " of a client twice"));
    }
  }
  return to;
}

// Once the round is read.
absl::Status ReadQuarantine(const v1::EngineState& from, round::State& to) {
  TRIBUTARY_ASSIGN(to.strikes,
                   ReadNumbers(from.strikes(), kMaxRound, "a strike"));
  TRIBUTARY_ASSIGN(to.quarantined, ReadNumbers(from.quarantined(),
                                               2 * kMaxRound, "a quarantine"));
  for (const auto& [client, until] : to.quarantined) {
    if (to.aggregators.contains(client)) {
      return Damaged("an aggregator in quarantine that waits");
    }
    if (until <= to.round) return Damaged("a quarantine that is over");
    if (to.strikes.contains(client)) {
      return Damaged("a client in quarantine with strikes");
    }
    if (to.waiting.contains(client)) {
      return Damaged("a client in quarantine that waits");
    }
  }
  return absl::OkStatus();
}

// Of a node of a tree; once the phase is read.
absl::Status ReadTree(const v1::EngineState& from, round::State& to) {
  TRIBUTARY_ASSIGN(to.aggregators, ToClients(from.aggregators()));
  for (const round::ClientId& aggregator : to.aggregators) {
    if (to.waiting.contains(aggregator)) {
      return Damaged("a client that waits as an aggregator too");
    }
  }
  if (!from.round_seed().empty()) {
    TRIBUTARY_ASSIGN(to.round_seed, ToKey(from.round_seed()));
  }
  if (!from.has_task_deadline_ms()) return absl::OkStatus();
  TRIBUTARY_ASSIGN(to.task_deadline, ToInstant(from.task_deadline_ms()));
  if (!to.round_seed || std::holds_alternative<round::Resting>(to.phase)) {
    return Damaged("a deadline of no task");
  }
  return absl::OkStatus();
}

// Everything that is in a message only sometimes.
absl::Status ReadEvaluations(const v1::EngineState& from, round::State& to) {
  if (from.has_evaluation()) {
    TRIBUTARY_ASSIGN(to.evaluation, ReadEvaluation(from.evaluation()));
  }
  if (from.has_queued_evaluation()) {
    round::QueuedEvaluation queued;
    TRIBUTARY_ASSIGN(queued.round, ToCount(from.queued_evaluation().round(),
                                           kMaxRound, "a round"));
    TRIBUTARY_ASSIGN(queued.model, ToModel(from.queued_evaluation().model()));
    to.queued_evaluation = queued;
  }
  if (from.has_taken_evaluation()) {
    round::TakenEvaluation taken;
    TRIBUTARY_ASSIGN(taken.client, ToClient(from.taken_evaluation().client()));
    TRIBUTARY_ASSIGN(taken.token, ToToken(from.taken_evaluation().token()));
    to.taken_evaluation = std::move(taken);
  }
  if (std::holds_alternative<round::Finishing>(to.phase) && !to.evaluation) {
    return Damaged("a run that waits for no evaluation");
  }
  if (to.queued_evaluation && !to.evaluation) {
    return Damaged("an evaluation queued behind none");
  }
  return absl::OkStatus();
}

// What an update counts beyond its examples is known of asynchronous rounds
// alone, where the staleness says it; no base is older than the first model.
absl::Status CheckWeights(const round::State& state) {
  const bool is_asynchronous =
      std::holds_alternative<round::Buffering>(state.phase) ||
      !state.open_tasks.empty() || !state.past_tasks.empty();
  const round::Cohort* cohort = round::CohortOf(state.phase);
  if (cohort == nullptr) return absl::OkStatus();
  const int stalest = is_asynchronous ? state.round - 1 : 0;
  for (const auto& [client, participant] : *cohort) {
    if (participant.staleness > stalest) {
      return Damaged(absl::StrCat("a staleness of ", participant.staleness,
                                  " in round ", state.round));
    }
    if (is_asynchronous) continue;
    if (participant.contribution.weight > participant.declared_weight) {
      return Damaged("a counted weight that was not declared");
    }
  }
  return absl::OkStatus();
}

void WriteTasks(const round::State& state, v1::EngineState& message) {
  for (const auto& [client, task] : state.open_tasks) {
    auto* to = message.add_open_tasks();
    to->set_client(client.name);
    to->set_round(static_cast<std::uint32_t>(task.round));
    to->set_attempt(static_cast<std::uint32_t>(task.attempt));
    to->set_token(FromToken(task.token));
    to->set_model(FromModel(task.model));
    to->set_deadline_ms(FromInstant(task.deadline));
    if (task.arrived) {
      *to->mutable_arrived() = FromContribution(*task.arrived);
    }
  }
  for (const auto& [client, task] : state.past_tasks) {
    auto* to = message.add_past_tasks();
    to->set_client(client.name);
    to->set_round(static_cast<std::uint32_t>(task.round));
    to->set_attempt(static_cast<std::uint32_t>(task.attempt));
    to->set_token(FromToken(task.token));
    to->set_answer(FromRefusal(task.answer));
    to->set_rests_until_ms(FromInstant(task.rests_until));
  }
}

// Of both kinds.
template <typename From, typename To>
absl::Status ReadTask(const From& from, int latest, To& to) {
  TRIBUTARY_ASSIGN(to.round, ToCount(from.round(), kMaxRound, "a round"));
  if (to.round > latest) return Damaged("a task of a round to come");
  TRIBUTARY_ASSIGN(to.attempt,
                   ToCount(from.attempt(), kMaxAttempt, "an attempt"));
  TRIBUTARY_ASSIGN(to.token, ToToken(from.token()));
  return absl::OkStatus();
}

absl::Status ReadOpenTask(const v1::EngineState::OpenTask& from,
                          round::State& state) {
  round::ClientId client;
  round::OpenTask to;
  TRIBUTARY_ASSIGN(client, ToClient(from.client()));
  if (auto read = ReadTask(from, state.round, to); !read.ok()) return read;
  TRIBUTARY_ASSIGN(to.model, ToModel(from.model()));
  TRIBUTARY_ASSIGN(to.deadline, ToInstant(from.deadline_ms()));
  if (from.has_arrived()) {
    TRIBUTARY_ASSIGN(to.arrived, ToContribution(from.arrived()));
    if (to.arrived->weight == 0 || !std::isfinite(to.arrived->train_loss)) {
      return Damaged("an update that cannot count");
    }
  }
  if (!state.open_tasks.emplace(std::move(client), std::move(to)).second) {
    return Damaged("a client with two tasks");
  }
  return absl::OkStatus();
}

absl::Status ReadPastTask(const v1::EngineState::PastTask& from,
                          round::State& state) {
  round::ClientId client;
  round::PastTask to;
  TRIBUTARY_ASSIGN(client, ToClient(from.client()));
  if (auto read = ReadTask(from, state.round, to); !read.ok()) return read;
  TRIBUTARY_ASSIGN(to.answer, ToRefusal(from.answer()));
  TRIBUTARY_ASSIGN(to.rests_until, ToInstant(from.rests_until_ms()));
  if (!state.past_tasks.emplace(std::move(client), to).second) {
    return Damaged("a client with two past tasks");
  }
  return absl::OkStatus();
}

// After the phase and the round.
absl::Status ReadTasks(const v1::EngineState& from, round::State& state) {
  for (const auto& task : from.open_tasks()) {
    if (auto read = ReadOpenTask(task, state); !read.ok()) return read;
  }
  for (const auto& task : from.past_tasks()) {
    if (auto read = ReadPastTask(task, state); !read.ok()) return read;
  }
  // An update that is kept waits for a model that is being made.
  for (const auto& [client, task] : state.open_tasks) {
    if (task.arrived && !std::holds_alternative<round::Released>(state.phase)) {
      return Damaged("an update that waits for no model");
    }
  }
  return CheckWeights(state);
}

}  // namespace

v1::EngineState ToMessage(const round::State& state) {
  v1::EngineState message;
  message.set_version(kVersion);
  std::visit(PhaseWriter(&message), state.phase);
  message.set_round(static_cast<std::uint32_t>(state.round));
  message.set_attempt(static_cast<std::uint32_t>(state.attempt));
  message.set_model(FromModel(state.model));
  message.set_now_ms(FromInstant(state.now));
  Write(state.waiting, message.mutable_waiting());
  Write(state.evaluators, message.mutable_evaluators());
  Write(state.served, message.mutable_served());
  Write(state.aggregators, message.mutable_aggregators());
  if (state.round_seed) message.set_round_seed(FromKey(*state.round_seed));
  if (state.task_deadline) {
    message.set_task_deadline_ms(FromInstant(*state.task_deadline));
  }
  if (state.clip_norm) message.set_clip_norm(*state.clip_norm);
  message.set_debits(static_cast<std::uint32_t>(state.debits));
  if (const auto& from = state.evaluation) {
    auto* to = message.mutable_evaluation();
    to->set_round(static_cast<std::uint32_t>(from->round));
    to->set_model(FromModel(from->model));
    to->set_deadline_ms(FromInstant(from->deadline));
    if (from->evaluator) {
      to->set_evaluator(from->evaluator->name);
      to->set_token(FromToken(from->token));
    }
  }
  if (const auto& from = state.queued_evaluation) {
    auto* to = message.mutable_queued_evaluation();
    to->set_round(static_cast<std::uint32_t>(from->round));
    to->set_model(FromModel(from->model));
  }
  if (const auto& from = state.taken_evaluation) {
    message.mutable_taken_evaluation()->set_client(from->client.name);
    message.mutable_taken_evaluation()->set_token(FromToken(from->token));
  }
  for (const auto& [client, token] : state.counted) {
    auto* to = message.add_counted();
    to->set_client(client.name);
    to->set_token(FromToken(token));
  }
  if (state.last_collected) {
    message.set_last_collected_ms(
        static_cast<std::uint64_t>(state.last_collected->count()));
  }
  WriteTasks(state, message);
  for (const auto& [reason, count] : state.refusals) {
    auto* to = message.add_refusals();
    to->set_reason(FromRefusal(reason));
    to->set_count(count);
  }
  Write(state.strikes, message.mutable_strikes());
  Write(state.quarantined, message.mutable_quarantined());
  return message;
}

absl::StatusOr<round::State> FromMessage(const v1::EngineState& message) {
  if (message.version() != kVersion) {
    return Damaged(
        absl::StrCat("version ", message.version(), ", not ", kVersion));
  }
  round::State state;
  TRIBUTARY_ASSIGN(state.phase, ReadPhase(message));
  TRIBUTARY_ASSIGN(state.round, ToCount(message.round(), kMaxRound, "round"));
  TRIBUTARY_ASSIGN(state.attempt,
                   ToCount(message.attempt(), kMaxAttempt, "attempt"));
  TRIBUTARY_ASSIGN(state.model, ToModel(message.model()));
  TRIBUTARY_ASSIGN(state.now, ToInstant(message.now_ms()));
  TRIBUTARY_ASSIGN(state.waiting, ToClients(message.waiting()));
  TRIBUTARY_ASSIGN(state.evaluators, ToClients(message.evaluators()));
  TRIBUTARY_ASSIGN(state.served, ToClients(message.served()));
  if (absl::Status status = ReadTree(message, state); !status.ok()) {
    return status;
  }
  if (absl::Status status = ReadEvaluations(message, state); !status.ok()) {
    return status;
  }
  if (absl::Status status = ReadTasks(message, state); !status.ok()) {
    return status;
  }
  if (message.has_clip_norm()) {
    TRIBUTARY_ASSIGN(state.clip_norm, ToClipNorm(message.clip_norm()));
  }
  if (message.debits() > std::numeric_limits<int>::max()) {
    return Damaged(absl::StrCat(message.debits(), " debits"));
  }
  state.debits = static_cast<int>(message.debits());
  for (const auto& from : message.counted()) {
    round::ClientId client;
    round::TaskToken token;
    TRIBUTARY_ASSIGN(client, ToClient(from.client()));
    TRIBUTARY_ASSIGN(token, ToToken(from.token()));
    if (!state.counted.emplace(std::move(client), token).second) {
      return Damaged("a counted client twice");
    }
  }
  if (message.has_last_collected_ms()) {
    TRIBUTARY_ASSIGN(state.last_collected,
                     ToDuration(message.last_collected_ms()));
  }
  for (const auto& from : message.refusals()) {
    round::Refusal reason{};
    TRIBUTARY_ASSIGN(reason, ToRefusal(from.reason()));
    if (!state.refusals.emplace(reason, from.count()).second) {
      return Damaged("a refusal twice");
    }
  }
  if (absl::Status status = ReadQuarantine(message, state); !status.ok()) {
    return status;
  }
  return state;
}

std::string EncodeState(const round::State& state) {
  return ToMessage(state).SerializeAsString();
}

absl::StatusOr<round::State> DecodeState(const std::string& bytes) {
  v1::EngineState message;
  if (!message.ParseFromString(bytes)) return Damaged("not an EngineState");
  return FromMessage(message);
}

}  // namespace tributary::checkpoint
