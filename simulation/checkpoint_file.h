// SPDX-License-Identifier: Apache-2.0
// Where a results folder keeps its run while it is not finished:
//
//   checkpoint/run                     u64 length | SimulationCheckpoint |
//                                      for each model: weights | auxiliary
//                                      | for each of the optimizer's vectors:
//                                      it
//   checkpoint/clients-<events>-0-of-1 for states, then unconfirmed ones:
//                                      u64 number | for each client: u64 client
//                                      | u64 length | state
//
// Floats as they are in memory, numbers little-endian; each file is sealed
// (simulation/sealed_file.h). The file `run` is replaced last, and then the
// states of the one before go: after any interruption there is one whole
// checkpoint, the old one or the new one.
//
// One thread. Errors name the file.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "simulation/checkpoint.h"
#include "simulation/run_identity.h"
#include "simulation/simulation.h"

namespace tributary::simulation {

// Clients' states may lie in several files, each client's in one of them.
struct ClientFile {
  int index = 0;
  int of = 1;
};

bool HasCheckpoint(const std::filesystem::path& results);
// NotFound, and what that may mean.
absl::Status NoCheckpoint(const std::filesystem::path& results);
absl::Status RemoveCheckpoint(const std::filesystem::path& results);

// All files of states are to be saved before the run is.
absl::Status SaveClientStates(const std::filesystem::path& results,
                              const Simulation& simulation, ClientFile file);
absl::Status SaveRun(const std::filesystem::path& results,
                     const RunIdentity& identity, const Simulation& simulation,
                     int client_files);

// NotFound if there is none, DataLoss if it is damaged, FailedPrecondition,
// naming what differs, if it is of another run or program.
absl::StatusOr<Checkpoint> LoadCheckpoint(const std::filesystem::path& results,
                                          const RunIdentity& identity);

}  // namespace tributary::simulation
