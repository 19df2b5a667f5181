// SPDX-License-Identifier: Apache-2.0
// What makes a run the run it is: with the same identity it gives the same
// bytes on the same machine.
//
// A value.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "privacy/crypto/digest.h"
#include "simulation/population.h"
#include "simulation/ranks/ranks.h"
#include "tributary/torch_trainer.h"
#include "tributary/v1/plan.pb.h"
#include "tributary/v1/simulation_checkpoint.pb.h"

namespace tributary::simulation {

struct RunIdentity {
  std::string software;  // the program's version
  std::string plan;      // the effective plan, YAML
  std::string data;      // DigestOf the population
  Digest first_model;
  std::string device = "cpu";  // where clients train, "cpu" or "cuda"
};

RunIdentity IdentityOf(const v1::Plan& plan, const Population& population,
                       const Digest& first_model, TorchDevice::Kind device);

v1::SimulationIdentity MessageOf(const RunIdentity& identity);
// InvalidArgument if it holds no digest.
absl::StatusOr<RunIdentity> IdentityIn(const v1::SimulationIdentity& message);

// 16 bytes of XXH3 over the examples and who holds them: tells data apart that
// differ by chance, not by intent.
std::string DigestOf(const Population& population);

// FailedPrecondition that names what differs: "seed was 1, is 2". What only
// changes how fast a run is may differ.
absl::Status CheckSame(const RunIdentity& was, const RunIdentity& is);

// Whether all ranks are about to make the same run. FailedPrecondition on each
// of them that names the first one that differs, and how.
absl::Status CheckAllSame(const RunIdentity& own, Ranks& ranks);

}  // namespace tributary::simulation
