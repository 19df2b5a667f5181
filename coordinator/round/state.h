// SPDX-License-Identifier: Apache-2.0
// What the engine knows of a run: the phase it is in, with the data alive in
// that phase alone, and what goes on beside the rounds. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "coordinator/round/effect.h"
#include "coordinator/round/leaf_ledger.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"

namespace tributary::round {

// Of an aggregator: no task of its parent's is in hand.
struct Resting {
  friend bool operator==(const Resting&, const Resting&) = default;
};

// Clients check in; the cohort is drawn when enough wait.
struct Selecting {
  // Since when the waiting clients could meet the quorum.
  std::optional<Instant> quorum_since;
  friend bool operator==(const Selecting&, const Selecting&) = default;
};

// What one client of the cohort has done.
enum class Participation { kAsked, kAccepted, kRefused, kFailed };
struct Participant {
  Participation state = Participation::kAsked;
  TaskToken token;
  Contribution contribution;          // once accepted; weight as counted
  std::uint64_t declared_weight = 0;  // once accepted; as the client sent it
  Refusal refusal = Refusal::kNone;   // once refused or failed: the answer
  Role role = Role::kTrainer;         // or kAggregator
  LeafSet leaves = {};                // of an aggregator's sum, once accepted
  // Once accepted, of asynchronous rounds: models released since its base.
  int staleness = 0;
  friend bool operator==(const Participant&, const Participant&) = default;
};
using Cohort = std::map<ClientId, Participant>;
// Whose updates an accepted participant brought, a client by itself one.
std::uint64_t LeavesOf(const Participant& participant);

// The cohort trains, and the keys of its secure session are exchanged.
struct Keying {
  Instant opened;
  SecureStep step = SecureStep::kAdvertising;  // or kOpening, kSharing
  Instant deadline;                            // of the step
  Cohort cohort;
  // Asked, with no outcome yet, and not through this step.
  std::set<ClientId> awaited;
  int members = 0;  // clients whose keys make the session; 0: not known yet
  bool is_closing = false;  // CloseSecureStep is out
  friend bool operator==(const Keying&, const Keying&) = default;
};

// The cohort trains; updates come in.
struct Collecting {
  Instant opened;
  Instant deadline;
  Cohort cohort;
  int accepted = 0;     // participants counted
  int outstanding = 0;  // participants asked, with no outcome yet
  // Of a secure session: its clients; those that were counted and have left it
  // since; whether CloseSecureStep(kMasking) is out. Else 0, none, false.
  int members = 0;
  std::set<ClientId> gone = {};
  bool is_closing = false;
  // In a tree: the leaves that count, and the epochs that are over.
  std::optional<LeafLedger> ledger = std::nullopt;
  friend bool operator==(const Collecting&, const Collecting&) = default;
};

// The masked updates are in, and those that sent them help to take the masks
// off their sum. Who leaves now stays in the sum.
struct Unmasking {
  Instant opened;
  SecureStep step = SecureStep::kAgreeing;  // or kUnmasking
  Instant deadline;                         // of the step
  Cohort cohort;
  std::set<ClientId> members;  // counted, and with answers to give
  std::set<ClientId> awaited;  // of them, those not through this step
  bool is_closing = false;     // CloseSecureStep is out
  friend bool operator==(const Unmasking&, const Unmasking&) = default;
};

// Asynchronous rounds: updates gather, and the last one that is wanted closes.
struct Buffering {
  Instant opened;
  Cohort cohort;  // those whose updates are in, all counted
  friend bool operator==(const Buffering&, const Buffering&) = default;
};

// Closed with enough updates; the runner makes the model.
struct Released {
  Instant opened;
  Cohort cohort;
  friend bool operator==(const Released&, const Released&) = default;
};

// The attempt failed; the next one starts at `until`.
struct Abandoned {
  Instant until;
  friend bool operator==(const Abandoned&, const Abandoned&) = default;
};

// No round follows; the evaluation of the last model is not in yet.
struct Finishing {
  friend bool operator==(const Finishing&, const Finishing&) = default;
};

struct Ended {
  RunEnd end = RunEnd::kFinished;
  std::string reason;
  friend bool operator==(const Ended&, const Ended&) = default;
};

using Phase = std::variant<Selecting, Keying, Collecting, Unmasking, Buffering,
                           Released, Abandoned, Finishing, Ended, Resting>;
std::string_view Name(const Phase& phase);  // "selecting", ...
// Of the attempt that is open; null if there is none.
const Cohort* CohortOf(const Phase& phase);

// What a client trains in asynchronous rounds.
struct OpenTask {
  int round = 0;  // in which it was offered: the model before is its base
  int attempt = 0;
  TaskToken token;
  ModelId model;
  Instant deadline;
  // Came while a model was made, and is to count in the next: no deadline
  // touches it any more.
  std::optional<Contribution> arrived;
  friend bool operator==(const OpenTask&, const OpenTask&) = default;
};

// The latest task of a client that has none now.
struct PastTask {
  int round = 0;
  int attempt = 0;
  TaskToken token;
  // To whatever comes for it; none: it was counted.
  Refusal answer = Refusal::kNone;
  Instant rests_until;
  friend bool operator==(const PastTask&, const PastTask&) = default;
};

// A released model that waits for, or is with, an evaluator.
struct Evaluation {
  int round = 0;
  ModelId model;
  Instant deadline;                   // of the whole evaluation
  std::optional<ClientId> evaluator;  // who has the task
  TaskToken token;                    // that evaluator's; else zero
  friend bool operator==(const Evaluation&, const Evaluation&) = default;
};

// An evaluation to be had once the one before it is over.
struct QueuedEvaluation {
  int round = 0;
  ModelId model;
  friend bool operator==(const QueuedEvaluation&,
                         const QueuedEvaluation&) = default;
};

// Whose evaluation was taken last, so that it can be acknowledged again.
struct TakenEvaluation {
  ClientId client;
  TaskToken token;
  friend bool operator==(const TakenEvaluation&,
                         const TakenEvaluation&) = default;
};

// Everything the engine knows: what a snapshot holds.
struct State {
  Phase phase = Selecting{};
  // Being made; round - 1 are released. An aggregator's is that of its latest
  // task, in hand or not.
  int round = 1;
  int attempt = 1;                // of it
  ModelId model;                  // the latest released
  Instant now{};                  // of the latest step
  std::set<ClientId> waiting;     // trainers that may be asked
  std::set<ClientId> evaluators;  // evaluators that may be asked
  // In a tree: aggregators that may be asked. Nobody is in `waiting` too.
  std::set<ClientId> aggregators;
  std::optional<Evaluation> evaluation;
  std::optional<QueuedEvaluation> queued_evaluation;
  std::optional<TakenEvaluation> taken_evaluation;
  // Tasks counted in the last released round.
  std::map<ClientId, TaskToken> counted;
  // Those asked in the last round or attempt that closed: they stand back.
  std::set<ClientId> served;
  // How long the last released round collected; for pace steering.
  std::optional<Duration> last_collected;
  // Of asynchronous rounds: who trains, and who has lately.
  std::map<ClientId, OpenTask> open_tasks;
  std::map<ClientId, PastTask> past_tasks;
  std::map<Refusal, std::uint64_t> refusals;
  // With a quarantine: strikes of clients, from 1 to less than are allowed; and
  // of those that had as many the first round in which each is asked again,
  // after `round`. Nobody is in both.
  std::map<ClientId, int> strikes;
  std::map<ClientId, int> quarantined;
  // Of this round, under differential privacy.
  std::optional<double> clip_norm;
  // What was debited, if there is a budget: every ReleaseRound, or every
  // OpenRound (Options::charged).
  int debits = 0;
  // Of an aggregator: what its latest task's seeds derive from, none before the
  // first; and by when it closes what is in hand, none while it rests.
  std::optional<Key> round_seed;
  std::optional<Instant> task_deadline;
  friend bool operator==(const State&, const State&) = default;
};

// Whether tasks that are out, or the release that is being made, need this
// model: the latest, those that clients train from, one that is judged.
bool IsInUse(const State& state, const ModelId& model);

}  // namespace tributary::round
