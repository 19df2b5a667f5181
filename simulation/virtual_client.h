// SPDX-License-Identifier: Apache-2.0
// A client's session in a simulation: the same session, trainer and preparation
// of updates as in a real client, with its effects performed in virtual time.
// It exists from its check-in until pace steering sends it away again.
//
// Training, announcement and upload take their times one after the other, but
// what they give is made only when the last byte would arrive, and only if the
// update can still count then: few are made in vain, and none is kept.
// While the journal is replayed, it says what was made.
//
// In a secure session it sends and answers what a real client does, with the
// latencies of its device; computing them takes no virtual time.
//
// One thread; training itself is shared work. Lifetime: the world outlives
// the client.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/core/secure_task.h"
#include "client/core/session.h"
#include "coordinator/round/types.h"
#include "simulation/client_job.h"
#include "simulation/device.h"
#include "simulation/effort.h"
#include "simulation/task_timeline.h"
#include "simulation/world.h"

namespace tributary::simulation {

// Who a virtual client is.
struct Identity {
  round::ClientId id;
  // Of its data; nothing for the evaluator.
  std::optional<std::size_t> index;
  std::string population;
  Device device;
  // When it cannot be reached any more; nothing: never.
  std::optional<round::Instant> leaves_at;

  bool IsEvaluator() const { return !index.has_value(); }
};

class VirtualClient : public std::enable_shared_from_this<VirtualClient> {
 public:
  // What a client tells those who keep it.
  class Keeper {
   public:
    virtual ~Keeper() = default;
    // Its first check-in has reached the coordinator.
    virtual void OnCheckedIn(const VirtualClient& client) = 0;
    // It was told to come back: all that is to be kept of it is its state.
    virtual void OnIdle(const VirtualClient& client) = 0;
    // Its session is over.
    virtual void OnGone(VirtualClient& client) = 0;
    // It was lost with its task.
    virtual void OnLost(VirtualClient& client, Outcome outcome) = 0;
    // A training task was over, one way or another.
    virtual void OnTaskOver(const VirtualClient& client, Outcome outcome,
                            const Spending& spent) = 0;
  };

  // Owned by a shared pointer: actions of a client that is no more are void.
  VirtualClient(const World& world, Keeper& keeper, Identity identity);
  ~VirtualClient();
  VirtualClient(const VirtualClient&) = delete;
  VirtualClient& operator=(const VirtualClient&) = delete;

  void Start() { Step(session::Started{}); }
  // From the coordinator; arrives after the device's latency.
  void Send(v1::ServerMessage message);

  // From the offer of a training task until its outcome, and until its secure
  // session is over.
  bool HasTask() const { return timeline_ || secure_ != nullptr; }
  // Its training task, if it has one, ends like this at an instant.
  void Conclude(Outcome outcome, round::Instant when);

  const Identity& identity() const { return identity_; }
  // Whether its first check-in has reached the coordinator.
  bool HasCheckedIn() const { return has_checked_in_; }

 private:
  void Step(const session::Event& event);
  // Does something later, unless the client is no more by then.
  template <typename Action>
  void After(round::Duration delay, Action action) {
    world_.time.After(delay,
                      [self = weak_from_this(), action = std::move(action)] {
                        if (const auto alive = self.lock()) action();
                      });
  }
  void Perform(const session::Connect& effect);
  void Perform(const session::Disconnect& effect);
  void Perform(const session::Send& effect);
  void Perform(const session::Fetch& effect);
  void Perform(const session::CancelFetch& effect);
  void Perform(const session::StartTraining& effect);
  void Perform(const session::StartEvaluation& effect);
  void Perform(const session::StartSecure& effect);
  void Perform(const session::TakeSecure& effect);
  void Perform(const session::MaskUpdate& effect);
  void Perform(const session::CancelWork& effect);
  void Perform(const session::StartUpload& effect);
  void Perform(const session::CancelUpload&) {}
  // Of aggregators alone.
  void Perform(const session::StoreSession&) {}
  void Perform(const session::TakeOut&) {}
  void Perform(const session::SaveState& effect);
  // The session remembers it too, and its process never ends.
  void Perform(const session::NoteCounted&) {}
  void Perform(const session::ForgetTask& effect);
  void Perform(const session::WakeAt& effect);
  void Perform(const session::Report&) {}
  void Perform(const session::Finish& effect);

  void StartWork(const v1::Task& task);
  void Submit();
  // What a message of the coordinator's means for the task in hand.
  void NoteOutcome(const v1::ServerMessage& message);
  // Hands the update in after that time, unless the work is over by then.
  void HandInAfter(round::Duration time);
  // The last byte of the update is there, if it was made. One that waits for
  // the keys of its masks goes up later.
  void HandIn();
  // Whether this is the moment at which it is lost while the masks come off.
  bool IsLostAt(const v1::SecureServerMessage& message) const;
  // Steps with what the secure session said, or why it is over.
  void StepSecure(const session::TaskToken& token,
                  absl::StatusOr<v1::SecureClientMessage> answer);
  void FinishEvaluation();
  // The job in hand with what it gave.
  std::unique_ptr<ClientJob> FinishWork();
  void DropWork();
  // The state that depended on the task's update.
  void ForgetState();
  // Whether nothing but the time of its next check-in tells this client from
  // one that never was.
  bool IsIdle() const;

  const World& world_;
  Keeper& keeper_;
  const Identity identity_;
  session::Session session_;
  bool has_checked_in_ = false;
  bool has_failed_ = false;  // a task, and none succeeded since
  // Counts what is cancelled by counting on: an action of another number than
  // the present one is void.
  std::uint32_t connection_ = 0;
  std::uint32_t fetch_ = 0;
  std::uint32_t work_ = 0;
  std::optional<session::Instant> wake_at_;
  // The task's model while there is a task; afterwards only its name, so that
  // old models are not kept alive by clients that rest.
  std::shared_ptr<const Model> model_;
  Digest fetched_;
  std::unique_ptr<ClientJob> job_;
  // From the offer of a training task to its outcome.
  std::optional<TaskTimeline> timeline_;
  // Of a task whose update is masked, until the session needs it no more.
  std::unique_ptr<SecureTask> secure_;
  bool may_mask_ = false;     // the keys of its masks are there
  bool is_awaiting_ = false;  // its update is made and waits for them
  // The job whose update is handed in, until the coordinator has it.
  std::unique_ptr<ClientJob> made_;
  // While an update is handed in, what the coordinator says comes at once: the
  // time that takes has passed already.
  bool is_handing_in_ = false;
  std::vector<v1::ServerMessage> answers_;
};

}  // namespace tributary::simulation
