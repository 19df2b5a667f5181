// SPDX-License-Identifier: Apache-2.0
#include "simulation/device_model.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "simulation/dirichlet.h"

namespace tributary::simulation {
namespace {

// Forward: a product and a sum for each weight. Backward: the same for the
// gradients of the inputs and of the weights.
constexpr double kFlopsPerParameter = 6;

double LogNormal(const v1::Spread& spread, double normal) {
  return spread.median() * std::exp(spread.sigma() * normal);
}

}  // namespace

DeviceModel::DeviceModel(const v1::SimulationPlan& plan,
                         std::uint64_t parameters, const Key& run_key)
    : classes_(plan.devices().begin(), plan.devices().end()),
      flops_per_example_(plan.has_flops_per_example()
                             ? plan.flops_per_example()
                             : kFlopsPerParameter *
                                   static_cast<double>(parameters)),
      key_(DeriveKey(run_key, "device")) {
  for (const v1::DeviceClass& each : classes_) {
    names_.push_back(each.name());
    shares_ += each.share();
  }
}

Device DeviceModel::Of(std::size_t client) const {
  KeyedStream random(key_, absl::StrCat(client));
  double left = random.Uniform() * shares_;
  std::size_t kind = 0;
  while (kind + 1 < classes_.size() && left >= classes_[kind].share()) {
    left -= classes_[kind++].share();
  }
  const v1::DeviceClass& own = classes_[kind];
  // Every property has its own variate, used or not: a plan that changes one
  // leaves the others as they were.
  const double speed = Normal(random);
  const double download = Normal(random);
  const double upload = Normal(random);
  const double latency = Normal(random);
  Device device;
  device.kind = kind;
  device.examples_per_second =
      own.has_flops() ? LogNormal(own.flops(), speed) / flops_per_example_
                      : LogNormal(own.examples_per_second(), speed);
  device.download = LogNormal(own.download(), download);
  device.upload = LogNormal(own.upload(), upload);
  device.latency = round::Duration(static_cast<round::Duration::rep>(
      std::min(1e12, std::round(LogNormal(own.latency(), latency) * 1e3))));
  device.training_watts = own.training_watts();
  device.network_watts = own.network_watts();
  return device;
}

}  // namespace tributary::simulation
