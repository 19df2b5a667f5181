// SPDX-License-Identifier: Apache-2.0
// Clients with the real client half of secure aggregation, in memory, around a
// coordinator; some vanish when the test says so. Time is virtual: it moves, by
// a step's deadline, when nothing else can happen, however slow the machine is.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/round/types.h"
#include "tests/coordinator/runner/federation.h"
#include "tests/coordinator/secure/secure_client.h"

namespace tributary::testing {

// Eight clients, five updates at least, six clients in a session; steps of a
// second.
PlanChoice SecureChoice();

class SecureFederation {
 public:
  explicit SecureFederation(const PlanChoice& choice = SecureChoice());

  Federation& federation() { return federation_; }
  const std::string& run() const { return run_; }
  const v1::Plan& plan() const { return plan_; }

  // From this step on the client says nothing any more.
  void Vanish(const std::string& client, round::SecureStep step);
  // Vanished clients are back, for good.
  void ComeBack();
  // Instead of what an honest client would send. `true`: it was sent otherwise.
  std::function<bool(const std::string& client, v1::ClientMessage& message)>
      tamper;
  // Instead of its masked bytes.
  std::function<void(const std::string& client, std::string& bytes)> garble;

  // All clients join and check in; letters are answered until `is_done`, which
  // is asked before each letter with its number.
  void Drive(const std::function<bool(int)>& is_done);
  // Until the run is over.
  void Drive();
  void Restart();
  // A step's deadline is over, once the coordinator looks at its clock.
  void PassTime();

  // What the models must be if these were in the sum of each round.
  std::string OracleModel(const std::vector<std::set<std::string>>& rounds);
  bool IsOver();

  std::map<std::string, v1::Verdict> verdicts;    // the latest
  std::vector<v1::SecureClientMessage> said;      // by all
  std::map<std::string, v1::CancelTask> cancels;  // the latest

 private:
  struct AtWork {
    v1::Task task;
    std::unique_ptr<SecureClient> client;
    TestUpdate update;
    bool has_heard = false;  // anything of the session
    bool is_masked = false;
    bool has_unmasked = false;
  };

  void React(const Letter& letter);
  void Begin(const std::string& client, const v1::Task& task);
  void Answer(const std::string& client,
              const v1::SecureServerMessage& message);
  void Say(const std::string& client, v1::ClientMessage message);
  void SaySecure(const std::string& client,
                 const v1::SecureClientMessage& message);
  bool HasVanished(const std::string& client, round::SecureStep step) const;
  // The next letter; nothing if none comes unless time passes.
  std::optional<Letter> NextLetter();
  // Whether the coordinator works on something beside its engine: a model, or
  // an update that it has not judged yet.
  bool IsAtWork();

  std::shared_ptr<std::atomic<std::int64_t>> milliseconds_ =
      std::make_shared<std::atomic<std::int64_t>>(0);
  std::shared_ptr<secagg::TestAuthority> authority_ =
      std::make_shared<secagg::TestAuthority>();
  Federation federation_;
  v1::Plan plan_;
  std::string run_;
  std::vector<std::string> clients_;
  std::map<std::string, round::SecureStep> vanished_;
  std::map<std::string, AtWork> at_work_;
  // Have sent an update up, and no answer yet.
  std::set<std::string> uploaded_;
  // By round and client.
  std::map<std::uint32_t, std::map<std::string, TestUpdate>> made_;
};

}  // namespace tributary::testing
