// SPDX-License-Identifier: Apache-2.0
// A client's side of the federation as a pure state machine, driven by the real
// client with gRPC and wall time and by the simulator with virtual time.
//
//   std::vector<Effect> effects = session.Step(event, now);
//
// No clock, thread, socket or disk inside; jitter comes from the source passed
// in. A coordinator that misbehaves never breaks it: what does not fit is
// ignored, or answered by TaskFailed.
//
// Two facts, orthogonal to each other, are its state. The connection:
//   Offline -> Connecting -> Greeting -> Open -> Offline ...   any -> Ended
// (an aggregator's Greeting -> Storing -> Open),
// and the work, which survives a lost connection:
//   Resting -> Fetching -> Working -> Finished (announced, uploaded) -> Resting
// After a reconnect the client checks in; the coordinator offers the task it
// had again, and the work goes on, or the finished update is announced again.
//
// A secure task's protocol runs beside its training, and goes on after its
// update was accepted, until the client has done its part in taking the masks
// off (docs/secagg.md has the steps):
//   ... -> Working (advertises, opens, shares; trains; masks) -> Finished
//       -> Unmasking (agrees, answers) -> Resting
// What is secret in it is the body's: here are its messages alone.
//
// An aggregator's work is its leaves': what it announces is their sum, which is
// made again where some of them count through others (docs/hierarchy.md).
//
// One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/core/counted_task.h"
#include "client/core/effect.h"
#include "client/core/event.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/terms.h"

namespace tributary::session {

// The wire version spoken.
inline constexpr std::uint32_t kWireVersion = 1;
// A ComeBack window that ends later than this is waited for without a stream.
inline constexpr std::chrono::minutes kLongestOpenWait{5};

// What the client's owner demands of tasks.
struct SecureDemands {
  enum class Unmasked { kTaken, kRefused };
  // kRefused: of all tasks only those are taken whose update is masked.
  Unmasked unmasked = Unmasked::kTaken;
  secagg::Policy policy = {};
  // Of the noise that clients add, in norm bounds: of each task, masked or not.
  double min_noise_multiplier = 0;
  // Why no secure task can be taken; empty if they can.
  std::string obstacle = "this client has no certificate to sign with";
};
// Why a task is not taken, or "".
std::string Objection(const SecureDemands& demands, const v1::Task& task);
// What hides this client's update, as its owner reads it: "masked among 20
// clients or more, noise of the clients (multiplier 1.2)".
std::string Protection(const v1::Task& task);

// What an aggregator knows from before it was started.
struct AggregatorOptions {
  // The session that it stored last, of each address; 0 or absent: none.
  std::vector<std::uint64_t> sessions = {};
  // The task that it had in hand.
  std::optional<v1::Task> task = {};
};

struct Options {
  std::string population = {};
  // Plaintext only: who this is. Empty and unspecified under TLS.
  std::string client_name = {};
  v1::Role role = v1::ROLE_UNSPECIFIED;
  // n-th pause before another attempt: uniform in
  // [0, min(backoff_max, backoff_min 2^n)].
  Duration backoff_min{500};
  Duration backoff_max{60'000};
  // Finish after this many accepted updates; 0: never.
  int max_updates = 0;
  SecureDemands secure = {};
  // Of an aggregator alone.
  std::optional<AggregatorOptions> aggregator = {};
  // Addresses that the client knows; the first is its own. After `patience`
  // without a connection it goes over to the next one, and from there, when it
  // has nothing to do, back home after `away`, if home answers.
  int addresses = 1;
  Duration patience{30'000};
  Duration away{300'000};
  // What was acknowledged last, before it was started.
  std::optional<CountedTask> counted = {};
};

// ---- the connection ----
struct Offline {
  // When to connect; none before Started.
  std::optional<Instant> connect_at;
};
struct Connecting {};
struct Greeting {};  // hello sent, no Welcome yet
// An aggregator's: welcome; what it was told is not on its disk yet.
struct Storing {
  std::uint64_t session = 0;
};
struct Open {};
struct Ended {};
using Connection =
    std::variant<Offline, Connecting, Greeting, Storing, Open, Ended>;

// ---- the work ----
// No task. `check_in_at`: told to come back, or a failed task's pause.
struct Resting {
  std::optional<Instant> check_in_at;
};
struct Fetching {
  v1::Task task;
  std::vector<Digest> missing;  // the first is being fetched, if `running`
  bool running = false;
  int failures = 0;  // in a row
  std::optional<Instant> retry_at;
};
// The trainer has it.
struct Working {
  v1::Task task;
  // Of a secure task. Until the coordinator has said something to it, the
  // advertisement may not have arrived.
  std::optional<v1::ClientMessage> advertisement = {};
  // Once the shares are there: goes up with the update.
  std::optional<v1::ClientMessage> masked_input = {};
  // Once trained: coordinates clamped.
  std::optional<std::uint64_t> saturated = {};
  double clip_norm = 0;
};
// An update or an evaluation that waits for its Verdict.
struct Finished {
  enum class Stage { kUnannounced, kAnnounced, kUploading, kUploaded };
  v1::Task task;
  v1::ClientMessage result;  // UpdateReady or EvaluationResult
  // Said before it, of a masked update.
  std::optional<v1::ClientMessage> masked_input;
  std::uint64_t saturated = 0;
  double clip_norm = 0;
  Stage stage = Stage::kUnannounced;
  int failures = 0;  // of uploads, in a row
  std::optional<Instant> announce_at;
};
// A masked update was accepted; the sum's masks are not off yet.
struct Unmasking {
  v1::Task task;
  v1::ClientMessage result;  // the update's UpdateReady
  // Its part is done; the coordinator may not have it yet.
  bool has_answered = false;
};
using Work = std::variant<Resting, Fetching, Working, Finished, Unmasking>;

class Session {
 public:
  // `random` outlives the session. Draws nothing until it is needed.
  Session(Options options, RandomSource& random);

  [[nodiscard]] std::vector<Effect> Step(const Event& event, Instant now);

  const Connection& connection() const { return connection_; }
  const Work& work() const { return work_; }
  // Updates accepted so far.
  int accepted() const { return accepted_; }

 private:
  // The only writers of connection_ and work_ are the Become* functions.
  void BecomeConnecting();
  void BecomeOffline(Instant connect_at);
  void BecomeStoring(const v1::Welcome& welcome);
  void BecomeOpen();
  void BecomeEnded(absl::Status status);
  void BecomeResting(std::optional<Instant> check_in_at);
  void BecomeFetching(v1::Task task);
  void BecomeWorking(v1::Task task);
  // Again, on a sum without these leaves.
  void BecomeWorkingWithout(std::vector<std::string> leaves);
  void BecomeFinished(Finished finished);
  void BecomeUnmasking(Finished finished);

  void On(const Started& event);
  void On(const Tick& event);
  void On(const Connected& event);
  void On(const Disconnected& event);
  void On(const Received& event);
  void On(const SessionStored& event);
  void On(const Fetched& event);
  void On(const FetchFailed& event);
  void On(const Trained& event);
  void On(const Evaluated& event);
  void On(const WorkFailed& event);
  void On(const SecureAnswered& event);
  void On(const Masked& event);
  void On(const SecureFailed& event);
  void On(const Uploaded& event);
  void On(const UploadFailed& event);
  void On(const StopRequested& event);

  void On(const v1::Welcome& message);
  void On(const v1::ComeBack& message);
  void On(const v1::Task& message);
  void On(const v1::UploadGrant& message);
  void On(const v1::Verdict& message);
  void On(const v1::CancelTask& message);
  void On(const v1::SecureServerMessage& message);

  // What time alone brings about.
  void PassTime();
  void CheckIn();
  void FetchNext();
  void Announce();
  // To the next address, where the hope is that somebody answers.
  void GoOver();
  // Away from home, where it was tried long ago.
  std::optional<Instant> GoesHomeAt() const;
  void GoHome();
  // The finished update counts: its state is the client's.
  void NoteAccepted();
  // Once both the shares and the trained words are there.
  void MaskIfReady();
  // After a task: checks in, unless that was the last update.
  void GoOn();
  bool IsLastUpdate() const;
  // Ends the task in hand: cancels what runs for it and forgets it.
  void DropWork();
  // Gives the task in hand up and says so.
  void FailTask(const std::string& message);
  void RefuseOffer(const v1::Task& task, const std::string& message);
  void SendTaskFailed(const TaskToken& token, const std::string& message);
  // Full jitter after this many failures in a row (AWS architecture blog,
  // 2015).
  Duration Pause(int failures);
  bool IsOpen() const { return std::holds_alternative<Open>(connection_); }
  // The task in hand, if any.
  const v1::Task* CurrentTask() const;
  bool HasTask(const TaskToken& token) const {
    return CurrentTask() != nullptr && CurrentTask()->task_token() == token;
  }
  void SendMessage(v1::ClientMessage message);
  ClientProgress ProgressAt(ClientProgress::Stage stage) const;
  void Say(ClientProgress::Stage stage, std::string detail = "");
  void SayOf(const Finished& finished, ClientProgress::Stage stage);
  void AskForWakeUp();

  Options options_;
  RandomSource* random_;
  Connection connection_ = Offline{};
  Work work_ = Resting{};
  int connect_failures_ = 0;  // in a row
  int task_failures_ = 0;     // in a row
  int accepted_ = 0;
  bool asked_ = false;  // checked in on this stream and not answered yet
  int address_ = 0;
  // Since when it has tried to connect to it; none while connected.
  std::optional<Instant> trying_since_;
  Instant away_since_{};
  std::optional<int> came_from_;         // while it tries whether home answers
  std::vector<std::uint64_t> sessions_;  // an aggregator's, by address
  std::optional<CountedTask> counted_;
  // Of the step under way.
  Instant now_{};
  std::vector<Effect> effects_;
};

}  // namespace tributary::session
