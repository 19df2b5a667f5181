// SPDX-License-Identifier: Apache-2.0
// What a simulation tells those who watch it: the results folder, the progress
// line, a test. Called on the simulation's thread, in the order of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/round/effect.h"
#include "coordinator/round/types.h"
#include "simulation/effort.h"

namespace tributary::simulation {

struct RoundSummary {
  int round = 0;
  int attempt = 0;
  int asked = 0;
  int accepted = 0;
  std::uint64_t examples = 0;  // total weight
  double train_loss = 0;       // weighted mean
  round::ModelId model;
  round::Instant opened;
  round::Instant committed;
  // Of the tasks that ended since the round before was committed, those of
  // abandoned attempts included; by class of device.
  std::vector<Effort> efforts;
};

class Observer {
 public:
  virtual ~Observer() = default;
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
