// SPDX-License-Identifier: Apache-2.0
// What the engine wants done. A runner performs effects in order; those marked
// DURABLE only after the event that caused them is safe on disk. The simulator
// performs the same effects in memory.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"

namespace tributary::round {

// DURABLE. Give this client this task. Repeated when a client that already has
// the task checks in again (it was restarted, or lost its stream); in a secure
// session then followed by what it was sent last.
struct OfferTask {
  ClientId client;
  Task task;
  friend bool operator==(const OfferTask&, const OfferTask&) = default;
};
// Not needed now: check in again within this window from now.
struct ComeBack {
  ClientId client;
  Duration earliest{};
  Duration latest{};
  friend bool operator==(const ComeBack&, const ComeBack&) = default;
};
// The update that was announced is wanted: let its bytes come.
struct GrantUpload {
  ClientId client;
  TaskToken token;
  friend bool operator==(const GrantUpload&, const GrantUpload&) = default;
};
// DURABLE. The update counts: fold it with this weight, then acknowledge it.
struct AcceptUpdate {
  ClientId client;
  TaskToken token;
  std::uint64_t weight = 0;
  friend bool operator==(const AcceptUpdate&, const AcceptUpdate&) = default;
};
// The update (or evaluation) was taken before: acknowledge it again, fold
// nothing. Also for the last released round, to a client that lost the answer.
struct AcknowledgeAgain {
  ClientId client;
  TaskToken token;
  friend bool operator==(const AcknowledgeAgain&,
                         const AcknowledgeAgain&) = default;
};
// Not taken, and why. `token` is what the client sent. Its spool can go.
struct Refuse {
  ClientId client;
  TaskToken token;
  Refusal reason = Refusal::kNone;
  // With kOverlap: the leaves that count through others. The task stands: the
  // aggregator takes them out and announces the rest.
  LeafSet overlap = {};
  friend bool operator==(const Refuse&, const Refuse&) = default;
};
// The client's task is over; it should stop working on it. A client whose
// update counts hears so if its secure session is over before it has answered:
// that changes nothing about the update unless the reason is kAbandoned.
struct CancelTask {
  ClientId client;
  TaskToken token;
  Refusal reason = Refusal::kNone;
  friend bool operator==(const CancelTask&, const CancelTask&) = default;
};
// DURABLE. An evaluation was taken: acknowledge it.
struct AcceptEvaluation {
  ClientId client;
  TaskToken token;
  int round = 0;
  Metrics metrics;
  friend bool operator==(const AcceptEvaluation&,
                         const AcceptEvaluation&) = default;
};
// DURABLE. A round has begun; what was folded before is void. A secure session
// begins with it, if the plan says so.
struct OpenRound {
  int round = 0;
  int attempt = 0;
  ModelId model;
  friend bool operator==(const OpenRound&, const OpenRound&) = default;
};
// Close this step of the secure session and answer at once: SecureStepClosed or
// SecureAbandoned. Each step of an attempt is closed once, in order. Not to be
// done in a replay: the session is gone, and Restarted abandons the round.
struct CloseSecureStep {
  int round = 0;
  int attempt = 0;
  SecureStep step = SecureStep::kAdvertising;
  friend bool operator==(const CloseSecureStep&,
                         const CloseSecureStep&) = default;
};
// Where the latest model is mixed with what one client trained from `base`:
//   x <- (1 - share) x + share (base + mean)
struct Mixture {
  ModelId base;
  double share = 0;
  friend bool operator==(const Mixture&, const Mixture&) = default;
};
// DURABLE. Nothing more comes in: make the next model from the folded updates
// of these clients, store it, and say ModelReleased. An aggregator hands the
// sum up instead, and says ModelReleased once it counts there, or TaskOver.
// After a secure session the sum's masks can come off now. Under differential
// privacy this is what is debited, whatever becomes of it.
struct ReleaseRound {
  int round = 0;
  int attempt = 0;
  std::vector<ClientId> contributors;  // sorted
  std::uint64_t total_weight = 0;      // packed: as many as leaves
  // What the sum is divided by: total_weight; with FedBuff what the
  // contributors would weigh if none were stale.
  std::uint64_t divisor = 0;
  // Of asynchronous mixing.
  std::optional<Mixture> mixture = std::nullopt;
  double train_loss = 0;  // weighted mean; packed: 0
  // Whose updates are in the sum; without a tree as many as contributors.
  std::uint64_t leaves = 0;
  friend bool operator==(const ReleaseRound&, const ReleaseRound&) = default;
};
// DURABLE. The released model is the run's model now; the round's spool can go.
// An aggregator's model is as it was, and its task is done.
struct CommitRound {
  int round = 0;
  ModelId model;
  std::optional<Aggregates> aggregates = std::nullopt;  // ModelReleased's
  friend bool operator==(const CommitRound&, const CommitRound&) = default;
};
// DURABLE. The attempt is given up; what was folded is void. An aggregator's
// may not have been opened yet, and is to be given up at the parent.
struct AbandonRound {
  int round = 0;
  int attempt = 0;
  int accepted = 0;    // updates, of leaves in a tree, lost with it
  std::string reason;  // "2 of at least 8 updates at the deadline"
  friend bool operator==(const AbandonRound&, const AbandonRound&) = default;
};
// For the record. The client has as many strikes as are allowed, and is not
// asked before this round.
struct QuarantineClient {
  ClientId client;
  int until = 0;
  std::string reason;  // of the last strike: a refusal's name, or "outlier"
  friend bool operator==(const QuarantineClient&,
                         const QuarantineClient&) = default;
};
// DURABLE. The run is over.
enum class RunEnd { kFinished, kStopped, kFailed };
struct EndRun {
  RunEnd end = RunEnd::kFinished;
  std::string reason;
  friend bool operator==(const EndRun&, const EndRun&) = default;
};
// Step(Tick) is due at this instant, if nothing else comes before. Replaces the
// wake-up asked for before; always the last effect, absent when nothing waits.
struct WakeAt {
  Instant when;
  friend bool operator==(const WakeAt&, const WakeAt&) = default;
};

using Effect =
    std::variant<OfferTask, ComeBack, GrantUpload, AcceptUpdate,
                 AcknowledgeAgain, Refuse, CancelTask, AcceptEvaluation,
                 OpenRound, CloseSecureStep, ReleaseRound, CommitRound,
                 AbandonRound, QuarantineClient, EndRun, WakeAt>;

}  // namespace tributary::round
