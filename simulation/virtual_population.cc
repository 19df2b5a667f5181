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

}  // namespace

VirtualPopulation::VirtualPopulation(const World& world, const Key& run_key,
                                     std::string population)
    : world_(world),
      population_(std::move(population)),
      check_ins_(std::max<std::size_t>(world.participants.clients(), 1),
                 run_key, kFirstPass) {
  for (std::size_t i = 0; i < world.participants.clients(); ++i) {
    if (world.participants.Examples(i) > 0) ++eligible_;
  }
  if (world.participants.TestExamples() > 0) {
    Enter({.id = {kEvaluatorName},
           .index = std::nullopt,
           .population = population_,
           .device = {}});
  }
  Invite();
}

void VirtualPopulation::Deliver(const round::ClientId& client,
                                v1::ServerMessage message) {
  const auto found = here_.find(client.name);
  if (found != here_.end()) found->second->Send(std::move(message));
}

void VirtualPopulation::Invite() {
  if (is_inviting_ || Idle() == 0) return;
  if (world_.coordinator.Room() <= coming_) return;
  is_inviting_ = true;
  const auto next =
      check_ins_.Next(world_.time.now(), world_.coordinator.MeanAbsence());
  world_.time.At(next.when, [this, client = next.client] {
    is_inviting_ = false;
    CheckIn(client);
  });
}

std::size_t VirtualPopulation::Idle() const {
  return eligible_ - trainers_here_ - gone_.size();
}

void VirtualPopulation::CheckIn(std::size_t client) {
  if (world_.coordinator.Room() <= coming_) return;
  if (world_.participants.Examples(client) == 0) return;
  const std::string name = ClientName(client);
  if (here_.contains(name) || gone_.contains(name)) return;
  ++trainers_here_;
  ++coming_;
  Enter(
      {.id = {name}, .index = client, .population = population_, .device = {}});
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
  if (found != here_.end()) {
    OnGone(*found->second);
  } else {
    gone_.insert(client);
  }
}

void VirtualPopulation::OnCheckedIn(const VirtualClient& client) {
  if (!client.identity().IsEvaluator()) --coming_;
}

void VirtualPopulation::OnIdle(const VirtualClient& client) {
  --trainers_here_;
  here_.erase(client.identity().id.name);
}

void VirtualPopulation::OnGone(const VirtualClient& client) {
  const round::ClientId id = client.identity().id;
  if (!client.identity().IsEvaluator()) {
    --trainers_here_;
    if (!client.HasCheckedIn()) --coming_;
    gone_.insert(id.name);
  }
  here_.erase(id.name);
  world_.coordinator.Leave(id, world_.time.now());
}

}  // namespace tributary::simulation
