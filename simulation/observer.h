// SPDX-License-Identifier: Apache-2.0
// What a simulation tells those who watch it: the results folder, the progress
// line, a test. Called on the simulation's thread, in the order of the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/round/effect.h"
#include "coordinator/round/types.h"
#include "privacy/dp/ledger.h"
#include "simulation/effort.h"

namespace tributary::simulation {

struct RoundSummary {
  int round = 0;
  int attempt = 0;
  int asked = 0;
  int accepted = 0;
  // Total weight and weighted mean loss; nothing where they are not sent.
  std::optional<round::Aggregates> aggregates;
  // Of the updates, under differential privacy.
  std::optional<double> clip_norm;
  // Updates that the robust rule all but left out, where it tells.
  std::optional<std::uint32_t> outliers;
  // Clients that are not asked now; nothing without a quarantine.
  std::optional<std::uint32_t> quarantined;
  round::ModelId model;
  round::Instant opened;
  round::Instant committed;
  // Of the tasks that ended since the round before was committed, those of
  // abandoned attempts included; by class of device.
  std::vector<Effort> efforts;
};

// What a release costs in privacy, and whose updates are in it.
struct Charge {
  dp::Debit debit;
  std::vector<round::ClientId> contributors;  // sorted
};

class Observer {
 public:
  virtual ~Observer() = default;
  // A release is about to be made; OnRound follows. An error ends the run
  // before it counts.
  virtual absl::Status OnCharge(const Charge&) { return absl::OkStatus(); }
  virtual void OnRound(const RoundSummary& round) = 0;
  virtual void OnEvaluation(int round, const round::Metrics& metrics) = 0;
  // What clients found on examples of their own
  // (simulation/client_evaluation.h); after OnRound, before the round's
  // OnEvaluation.
  virtual void OnClientEvaluation(int, const round::Metrics&) {}
  virtual void OnAbandoned(const round::AbandonRound& attempt) = 0;
  // An update was accepted; for a count of clients a second.
  virtual void OnUpdate() = 0;
};

}  // namespace tributary::simulation
