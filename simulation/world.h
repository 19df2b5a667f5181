// SPDX-License-Identifier: Apache-2.0
// What stands around a virtual client and its work.
#pragma once

#include "privacy/crypto/random.h"
#include "privacy/secagg/terms.h"
#include "simulation/checkpoint.h"
#include "simulation/dropout.h"
#include "simulation/journal.h"
#include "simulation/participants.h"
#include "simulation/shared_work.h"
#include "simulation/virtual_coordinator.h"
#include "simulation/virtual_identities.h"
#include "simulation/virtual_time.h"

namespace tributary::simulation {

struct World {
  VirtualTime& time;
  VirtualCoordinator& coordinator;
  SharedWork& work;
  const Participants& participants;
  const Dropout& dropout;
  RandomSource& jitter;
  // What clients take part in secure sessions with.
  VirtualIdentities& identities;
  const secagg::Policy& policy;
  // Of how integers are rounded and of the noise on them, by task.
  const Key& noise_key;
  // Those of this rank's clients, of several ranks.
  ClientStates& states;
  // Whether the plan's clients have states at all.
  bool clients_have_states = false;
  // AddsWhereMade(plan, participants).
  bool adds_where_made = false;
  // Of those that have sent an update and do not know yet what came of it.
  ClientStates& unconfirmed;
  Journal& journal;
};

}  // namespace tributary::simulation
