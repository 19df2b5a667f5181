// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/device_plan.h"

#include <chrono>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/codec/duration.h"

namespace tributary::codec {
namespace {

constexpr const char* kAvailability = "simulation.availability";

void FillClass(v1::DeviceClass& device) {
  const auto fill = [](v1::Spread& spread, double median) {
    if (spread.median() == 0) spread.set_median(median);
  };
  if (!device.has_share()) device.set_share(1);
  if (!device.has_flops()) fill(*device.mutable_examples_per_second(), 1000);
  fill(*device.mutable_download(), 4e6);
  fill(*device.mutable_upload(), 4e6);
  fill(*device.mutable_latency(), 0.01);
  if (!device.has_training_watts()) device.set_training_watts(5);
  if (!device.has_network_watts()) device.set_network_watts(1);
}

}  // namespace

void FillDevices(v1::SimulationPlan& simulation) {
  if (simulation.devices().empty())
    simulation.add_devices()->set_name("device");
  for (auto& device : *simulation.mutable_devices()) FillClass(device);
  auto& availability = *simulation.mutable_availability();
  if (availability.kind_case() == v1::Availability::KIND_NOT_SET) {
    availability.mutable_always();
  }
  if (availability.has_daily() && !availability.daily().has_spread()) {
    *availability.mutable_daily()->mutable_spread() =
        DurationOf(std::chrono::hours(24));
  }
}

void FindDeviceProblems(const v1::SimulationPlan& simulation,
                        Problems& problems) {
  std::set<std::string> names;
  for (int i = 0; i < simulation.devices_size(); ++i) {
    const std::string& name = simulation.devices(i).name();
    if (!names.insert(name).second) {
      problems.push_back({absl::StrCat("simulation.devices[", i, "].name"),
                          absl::StrCat(Quoted(name), " stands twice")});
    }
  }
  const v1::Availability& availability = simulation.availability();
  if (availability.has_markov()) {
    // How much it costs to find when a client will be off.
    constexpr double kLargestRatio = 1000;
    const double on = Seconds(availability.markov().mean_on());
    const double off = Seconds(availability.markov().mean_off());
    if (on > kLargestRatio * off || off > kLargestRatio * on) {
      problems.push_back(
          {absl::StrCat(kAvailability, ".markov"),
           "mean_on and mean_off differ by more than a factor of 1,000"});
    }
  }
  const v1::Dropout& dropout = simulation.dropout();
  if (dropout.before_training() == 1 || dropout.while_training() == 1 ||
      dropout.while_uploading() == 1) {
    problems.push_back({"simulation.dropout",
                        "a probability of 1 leaves no client in any round"});
  }
}

}  // namespace tributary::codec
