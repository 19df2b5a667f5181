// SPDX-License-Identifier: Apache-2.0
// What a simulation needs to go on where it was: between two rounds, when no
// update of a round is counted.
//
// The world around the coordinator, that is who is where with which task, is
// not in it: the run's journal makes it again (simulation/journal.h). In it is
// what training made: the models that tasks may still name, the server
// optimizer's and the clients' states.
//
// A value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "client/core/client_state.h"
#include "coordinator/round/engine.h"
#include "simulation/journal.h"

namespace tributary::simulation {

// By the client's index; only of those that have one.
using ClientStates = std::unordered_map<std::size_t, ClientState>;

struct StoredModel {
  round::ModelId id;
  std::vector<float> weights;
  std::vector<float> auxiliary;
};

struct Checkpoint {
  // How far virtual time had come: Simulation::events().
  std::uint64_t events = 0;
  // What the engine's state was then: the proof that the journal leads there.
  round::State engine;
  Journal::Contents journal;
  std::vector<StoredModel> models;
  std::vector<std::vector<float>> optimizer_state;
  ClientStates states;
  // What becomes a client's state once it hears that its update was accepted.
  ClientStates unconfirmed;
};

}  // namespace tributary::simulation
