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
// A client that is lost, or cannot be reached any more, leaves with its task
// and returns when the round is over, at one of its check-ins at which it is
// available.
//
// One thread. Lifetime: what it is made of outlives it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulation/availability.h"
#include "simulation/check_ins.h"
#include "simulation/device_model.h"
#include "simulation/virtual_client.h"

namespace tributary::simulation {

class VirtualPopulation final : private VirtualClient::Keeper {
 public:
  // Begins with the first check-ins, and with the evaluator if there is one.
  VirtualPopulation(const World& world, const DeviceModel& devices,
                    const Availability& availability, const Key& run_key,
                    std::string population);

  // To a client that is here; nothing to others.
  void Deliver(const round::ClientId& client, v1::ServerMessage message);
  // Lets the next clients in if the coordinator has room for them. To be called
  // whenever that may have changed.
  void Invite();
  // What was spent on tasks that ended since this was last called, by class of
  // device.
  std::vector<Effort> TakeEfforts();
  // The device of this client is switched off at an instant, for good. For
  // tests of what the federation does without it.
  void SwitchOffAt(round::Instant when, const std::string& client);

 private:
  void CheckIn(std::size_t client);
  void Enter(Identity identity);
  std::size_t Idle() const;
  // How long the pass takes that begins now.
  round::Duration PassLength() const;
  // Those lost in an earlier round may come again.
  void ForgetLost();
  // Those leave that cannot be reached any more.
  void PassTime();
  void WatchDepartures();
  // Its task dies with it, and its stream.
  void Remove(VirtualClient& client, Outcome outcome);
  void SwitchOff(const std::string& client);
  void OnCheckedIn(const VirtualClient& client) override;
  void OnIdle(const VirtualClient& client) override;
  void OnGone(VirtualClient& client) override;
  void OnLost(VirtualClient& client, Outcome outcome) override;
  void OnTaskOver(const VirtualClient& client, Outcome outcome,
                  const Spending& spent) override;

  const World& world_;
  const DeviceModel& devices_;
  const Availability& availability_;
  const std::string population_;
  std::size_t eligible_ = 0;  // trainers with examples
  CheckIns check_ins_;
  bool is_inviting_ = false;  // a check-in is scheduled
  // Who is here, by name. Never iterated over.
  std::unordered_map<std::string, std::shared_ptr<VirtualClient>> here_;
  std::size_t trainers_here_ = 0;
  std::size_t coming_ = 0;      // trainers here that have not checked in yet
  std::set<std::string> gone_;  // trainers that never come again
  // Trainers lost in this round and attempt.
  std::set<std::string> lost_;
  std::pair<int, int> lost_in_;
  // When those here leave that will.
  std::set<std::pair<round::Instant, std::string>> departures_;
  std::optional<round::Instant> watches_for_;
  // Check-ins in a row of clients that were not available.
  std::size_t misses_ = 0;
  std::vector<Effort> efforts_;
};

}  // namespace tributary::simulation
