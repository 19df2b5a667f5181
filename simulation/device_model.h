// SPDX-License-Identifier: Apache-2.0
// What each client of a simulation runs on: drawn from the plan's classes by a
// stream of the client's own, when it is asked for. Nothing is stored.
//
//   class k with probability share_k / sum of shares
//   value = median exp(sigma z), z standard normal, for each property
//
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "privacy/crypto/random.h"
#include "simulation/device.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::simulation {

class DeviceModel {
 public:
  // `plan` has its defaults. `parameters` of the model tell how much one
  // example costs where the plan does not say.
  DeviceModel(const v1::SimulationPlan& plan, std::uint64_t parameters,
              const Key& run_key);

  // Always the same for the same client.
  Device Of(std::size_t client) const;
  // Names, in the plan's order; a device's `kind` counts along them.
  const std::vector<std::string>& classes() const { return names_; }

 private:
  const std::vector<v1::DeviceClass> classes_;
  const double flops_per_example_;
  const Key key_;
  std::vector<std::string> names_;
  double shares_ = 0;  // all together
};

}  // namespace tributary::simulation
