// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_population.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "simulation/partition.h"

namespace tributary::simulation {
namespace {

// All clients hear of the run at its beginning.
constexpr round::Duration kFirstPass = std::chrono::seconds(1);
// As long as pace steering ever keeps a client away in the mean.
constexpr round::Duration kLongestPass = std::chrono::seconds(250);

// A server beside the coordinator: evaluations keep up with the rounds.
Device EvaluatorDevice() {
  Device device;
  device.latency = round::Duration(1);
  device.examples_per_second = 1e6;
  device.download = 1e9;
  device.upload = 1e9;
  return device;
}

}  // namespace

VirtualPopulation::VirtualPopulation(const World& world,
                                     const DeviceModel& devices,
                                     const Availability& availability,
                                     const Key& run_key, std::string population)
    : world_(world),
      devices_(devices),
      availability_(availability),
      population_(std::move(population)),
      check_ins_(std::max<std::size_t>(world.participants.clients(), 1),
                 run_key, kFirstPass),
      efforts_(devices.classes().size()) {
  for (std::size_t i = 0; i < world.participants.clients(); ++i) {
    if (world.participants.Examples(i) > 0) ++eligible_;
  }
  if (world.participants.TestExamples() > 0) {
    Enter({.id = {kEvaluatorName},
           .index = std::nullopt,
           .population = population_,
           .device = EvaluatorDevice(),
           .leaves_at = std::nullopt});
  }
  Invite();
}

void VirtualPopulation::Deliver(const round::ClientId& client,
                                v1::ServerMessage message) {
  const auto found = here_.find(client.name);
  if (found != here_.end()) found->second->Send(std::move(message));
}

void VirtualPopulation::Invite() {
  ForgetLost();
  if (is_inviting_ || Idle() == 0) return;
  if (world_.coordinator.Room() <= coming_) return;
  is_inviting_ = true;
  const auto next = check_ins_.Next(world_.time.now(), PassLength());
  world_.time.At(next.when, [this, client = next.client] {
    is_inviting_ = false;
    CheckIn(client);
  });
}

std::size_t VirtualPopulation::Idle() const {
  return eligible_ - trainers_here_ - gone_.size() - lost_.size();
}

// While nobody is available, such as in a night that all clients share, each
// pass takes twice as long as the one before.
round::Duration VirtualPopulation::PassLength() const {
  constexpr std::size_t kMostDoublings = 8;
  const round::Duration length = world_.coordinator.MeanAbsence();
  const std::size_t in_vain = misses_ / world_.participants.clients();
  return std::max(length,
                  std::min(kLongestPass,
                           length * (1 << std::min(in_vain, kMostDoublings))));
}

void VirtualPopulation::ForgetLost() {
  const round::State& state = world_.coordinator.state();
  const std::pair now_in(state.round, state.attempt);
  if (lost_in_ == now_in) return;
  lost_in_ = now_in;
  lost_.clear();
}

void VirtualPopulation::CheckIn(std::size_t client) {
  if (world_.coordinator.Room() <= coming_) return;
  if (world_.participants.Examples(client) == 0) return;
  const std::string name = ClientName(client);
  if (here_.contains(name) || gone_.contains(name) || lost_.contains(name)) {
    return;
  }
  const round::Instant now = world_.time.now();
  if (!availability_.IsOn(client, now)) {
    ++misses_;
    return;
  }
  misses_ = 0;
  ++trainers_here_;
  ++coming_;
  const auto leaves_at = availability_.OffAt(client, now);
  if (leaves_at) {
    departures_.emplace(*leaves_at, name);
    WatchDepartures();
  }
  Enter({.id = {name},
         .index = client,
         .population = population_,
         .device = devices_.Of(client),
         .leaves_at = leaves_at});
}

void VirtualPopulation::WatchDepartures() {
  if (departures_.empty()) return;
  const round::Instant next = departures_.begin()->first;
  if (watches_for_ && *watches_for_ <= next) return;
  watches_for_ = next;
  world_.time.At(next, [this, next] {
    if (watches_for_ != next) return;
    watches_for_.reset();
    PassTime();
    WatchDepartures();
  });
}

void VirtualPopulation::PassTime() {
  while (!departures_.empty() &&
         departures_.begin()->first <= world_.time.now()) {
    const auto client = here_.at(departures_.begin()->second);
    Remove(*client, Outcome::kUnavailable);
  }
}

void VirtualPopulation::Enter(Identity identity) {
  const std::string name = identity.id.name;
  const auto client = std::make_shared<VirtualClient>(
      world_, static_cast<VirtualClient::Keeper&>(*this), std::move(identity));
  here_.emplace(name, client);
  client->Start();
}

void VirtualPopulation::SwitchOffAt(round::Instant when,
                                    const std::string& client) {
  world_.time.At(when, [this, client] { SwitchOff(client); });
}

void VirtualPopulation::SwitchOff(const std::string& client) {
  const auto found = here_.find(client);
  if (found != here_.end()) Remove(*found->second, Outcome::kUnavailable);
  lost_.erase(client);
  gone_.insert(client);
}

// Its task stands with the coordinator, but nobody works on it any more.
void VirtualPopulation::Remove(VirtualClient& client, Outcome outcome) {
  const auto alive = client.shared_from_this();
  const Identity& identity = client.identity();
  const bool had_task = client.HasTask();
  client.Conclude(outcome, world_.time.now());
  here_.erase(identity.id.name);
  if (!identity.IsEvaluator()) {
    --trainers_here_;
    if (!client.HasCheckedIn()) --coming_;
    if (identity.leaves_at) {
      departures_.erase({*identity.leaves_at, identity.id.name});
    }
    ForgetLost();
    if (had_task) lost_.insert(identity.id.name);
  }
  world_.coordinator.Leave(identity.id, world_.time.now());
}

std::vector<Effort> VirtualPopulation::TakeEfforts() {
  return std::exchange(efforts_,
                       std::vector<Effort>(devices_.classes().size()));
}

void VirtualPopulation::OnCheckedIn(const VirtualClient& client) {
  if (!client.identity().IsEvaluator()) --coming_;
}

void VirtualPopulation::OnIdle(const VirtualClient& client) {
  const Identity& identity = client.identity();
  --trainers_here_;
  if (identity.leaves_at) {
    departures_.erase({*identity.leaves_at, identity.id.name});
  }
  here_.erase(identity.id.name);
}

void VirtualPopulation::OnGone(VirtualClient& client) {
  Remove(client, Outcome::kRefused);
  if (client.identity().IsEvaluator()) return;
  lost_.erase(client.identity().id.name);
  gone_.insert(client.identity().id.name);
}

void VirtualPopulation::OnLost(VirtualClient& client, Outcome outcome) {
  Remove(client, outcome);
}

void VirtualPopulation::OnTaskOver(const VirtualClient& client, Outcome outcome,
                                   const Spending& spent) {
  efforts_[client.identity().device.kind].Add(outcome, spent);
}

}  // namespace tributary::simulation
