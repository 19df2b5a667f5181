// SPDX-License-Identifier: Apache-2.0
// A client's session in a simulation: the same session, trainer and preparation
// of updates as in a real client, with its effects performed in virtual time.
//
// One thread; training itself runs on the pool. Lifetime: the world outlives
// the client, and its address stays.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "client/core/session.h"
#include "client/core/update.h"
#include "coordinator/round/types.h"
#include "privacy/crypto/random.h"
#include "simulation/device.h"
#include "simulation/lookahead_pool.h"
#include "simulation/virtual_coordinator.h"
#include "simulation/virtual_time.h"
#include "tributary/trainer.h"

namespace tributary::simulation {

// What stands around a virtual client.
struct World {
  VirtualTime& time;
  VirtualCoordinator& coordinator;
  LookaheadPool& pool;
  const Device& device;
  RandomSource& jitter;
};

// Who a virtual client is, and what it has.
struct Participant {
  round::ClientId id;
  v1::Role role = v1::TRAINER;
  std::string population;
  // Examples it trains on, or evaluates.
  std::size_t examples = 0;
  // A trainer over those examples. Called from several threads at once.
  std::function<std::unique_ptr<Trainer>()> make_trainer;
};

class VirtualClient {
 public:
  VirtualClient(const World& world, Participant participant);
  ~VirtualClient();
  VirtualClient(const VirtualClient&) = delete;
  VirtualClient& operator=(const VirtualClient&) = delete;

  void Start() { Step(session::Started{}); }
  // From the coordinator.
  void Receive(v1::ServerMessage message);
  // The device is switched off: nothing more comes from it. For tests of what
  // the federation does without it.
  void SwitchOff();

 private:
  // One task's training or evaluation.
  struct Job;

  void Step(const session::Event& event);
  // Step at a later instant, unless the client is off by then.
  void StepAfter(round::Duration delay, session::Event event);
  void Perform(const session::Connect& effect);
  void Perform(const session::Disconnect& effect);
  void Perform(const session::Send& effect);
  void Perform(const session::Fetch& effect);
  void Perform(const session::CancelFetch& effect);
  void Perform(const session::StartTraining& effect);
  void Perform(const session::StartEvaluation& effect);
  void Perform(const session::CancelWork& effect);
  void Perform(const session::StartUpload& effect);
  void Perform(const session::CancelUpload& effect);
  void Perform(const session::SaveState& effect);
  void Perform(const session::ForgetTask& effect);
  void Perform(const session::WakeAt& effect);
  void Perform(const session::Report&) {}
  void Perform(const session::Finish& effect);

  void StartWork(const v1::Task& task, round::Duration duration);
  void FinishWork();
  void DropWork();

  const World& world_;
  const Participant participant_;
  session::Session session_;
  bool is_off_ = false;
  // Counts what is cancelled by counting on: an action of another number than
  // the present one is void.
  std::uint32_t connection_ = 0;
  std::uint32_t fetch_ = 0;
  std::uint32_t upload_ = 0;
  std::optional<session::Instant> wake_at_;
  // The task's model while there is a task; afterwards only its name, so that
  // old models are not kept alive by clients that rest.
  std::shared_ptr<const Model> model_;
  Digest fetched_;
  std::unique_ptr<Job> job_;
  std::optional<PreparedUpdate> prepared_;
  // The client state: error feedback of the encoding.
  std::vector<float> residual_;
};

}  // namespace tributary::simulation
