// SPDX-License-Identifier: Apache-2.0
// The population in a simulation: those clients that have to do with the
// coordinator now, as objects, and all others as no more than a number.
//
// Idle clients come round in passes (simulation/check_ins.h), each pass as long
// as pace steering keeps a client away in the mean. Only those for whom the
// coordinator has room are let in: the others would be turned away, which
// changes nothing. So a round costs as much as its cohort, whatever the
// population.
//
// One thread. Lifetime: the world outlives it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "simulation/check_ins.h"
#include "simulation/virtual_client.h"

namespace tributary::simulation {

class VirtualPopulation final : private VirtualClient::Keeper {
 public:
  // Begins with the first check-ins, and with the evaluator if there is one.
  VirtualPopulation(const World& world, const Key& run_key,
                    std::string population);

  // To a client that is here; nothing to others.
  void Deliver(const round::ClientId& client, v1::ServerMessage message);
  // Lets the next clients in if the coordinator has room for them. To be called
  // whenever that may have changed.
  void Invite();
  // The device of this client is switched off at an instant, for good. For
  // tests of what the federation does without it.
  void SwitchOffAt(round::Instant when, const std::string& client);

 private:
  void CheckIn(std::size_t client);
  void Enter(Identity identity);
  std::size_t Idle() const;
  // Its task dies with it, and its stream.
  void SwitchOff(const std::string& client);
  void OnCheckedIn(const VirtualClient& client) override;
  void OnIdle(const VirtualClient& client) override;
  void OnGone(const VirtualClient& client) override;

  const World& world_;
  const std::string population_;
  std::size_t eligible_ = 0;  // trainers with examples
  CheckIns check_ins_;
  bool is_inviting_ = false;  // a check-in is scheduled
  // Who is here, by name. Never iterated over.
  std::unordered_map<std::string, std::shared_ptr<VirtualClient>> here_;
  std::size_t trainers_here_ = 0;
  std::size_t coming_ = 0;      // trainers here that have not checked in yet
  std::set<std::string> gone_;  // trainers that never come again
};

}  // namespace tributary::simulation
