// SPDX-License-Identifier: Apache-2.0
#include "simulation/device_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "proto/codec/yaml.h"
#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

v1::SimulationPlan WithDevices(const std::string& yaml) {
  v1::Plan plan;
  REQUIRE(codec::ParseYaml("clients: 1\ntrain: {}\n" + yaml, "devices",
                           *plan.mutable_simulation())
              .ok());
  return codec::WithDefaults(plan).simulation();
}

TEST_CASE("without a word about devices all are the same") {
  const DeviceModel model(WithDevices(""), 1000, KeyFromSeed(1));
  for (std::size_t client = 0; client < 100; ++client) {
    const Device device = model.Of(client);
    CHECK(device.examples_per_second == Approx(1000));
    CHECK(device.download == Approx(4e6));
    CHECK(device.upload == Approx(4e6));
    CHECK(device.latency == round::Duration(10));
  }
}

TEST_CASE("a client's device is always the same, others' differ") {
  const v1::SimulationPlan plan = WithDevices(
      "devices: [{name: phone, examples_per_second: {median: 100, sigma: 1}}]");
  const DeviceModel model(plan, 1000, KeyFromSeed(1));
  const DeviceModel again(plan, 1000, KeyFromSeed(1));
  const DeviceModel other(plan, 1000, KeyFromSeed(2));
  CHECK(rc::check([&] {
    const auto client = *rc::gen::inRange<std::size_t>(0, 100'000'000);
    const double speed = model.Of(client).examples_per_second;
    RC_ASSERT(again.Of(client).examples_per_second == speed);
    RC_ASSERT(other.Of(client).examples_per_second != speed);
    RC_ASSERT(model.Of(client + 1).examples_per_second != speed);
  }));
}

// 4,000 clients. The part of a class is off by more than 0.03 (four standard
// deviations) once in 16,000 seeds; the logarithms' mean and deviation by more
// than 0.04 less often than once in 1,000. Says nothing about the tails.
TEST_CASE("classes have their shares, and speeds their median and spread") {
  const DeviceModel model(
      WithDevices(
          "devices:\n"
          "  - {name: phone, share: 3, examples_per_second: {median: 500,"
          " sigma: 0.5}}\n"
          "  - {name: gateway, share: 1, examples_per_second: {median: 8000}}"),
      1000, KeyFromSeed(4));
  std::vector<double> logarithms;
  for (std::size_t client = 0; client < 4000; ++client) {
    const Device device = model.Of(client);
    if (device.kind == 0) {
      logarithms.push_back(std::log(device.examples_per_second));
    } else {
      CHECK(device.examples_per_second == Approx(8000));
    }
  }
  const auto n = static_cast<double>(logarithms.size());
  CHECK(n / 4000 == Approx(0.75).margin(0.03));
  double mean = 0;
  for (const double value : logarithms) mean += value / n;
  double variance = 0;
  for (const double value : logarithms) {
    variance += (value - mean) * (value - mean) / n;
  }
  CHECK(mean == Approx(std::log(500)).margin(0.04));
  CHECK(std::sqrt(variance) == Approx(0.5).margin(0.04));
}

// Six operations a parameter: 6e9 FLOP/s over 1,000 parameters.
TEST_CASE("speed in operations becomes examples by the model's size") {
  const std::string devices = "devices: [{name: board, flops: {median: 6e9}}]";
  CHECK(DeviceModel(WithDevices(devices), 1000, KeyFromSeed(1))
            .Of(0)
            .examples_per_second == Approx(1e6));
  CHECK(DeviceModel(WithDevices(devices + "\nflops_per_example: 3e9"), 1000,
                    KeyFromSeed(1))
            .Of(0)
            .examples_per_second == Approx(2));
}

TEST_CASE("times follow from speed, bandwidth and latency") {
  Device device;
  device.latency = round::Duration(50);
  device.examples_per_second = 200;
  device.download = 1e6;
  device.upload = 5e5;
  v1::TrainingPlan plan;
  plan.set_epochs(3);
  CHECK(device.TrainTime(plan, 100) == round::Duration(1500));
  plan.mutable_time_limit()->set_seconds(1);
  CHECK(device.TrainTime(plan, 100) == round::Duration(1000));
  plan.clear_epochs();
  plan.clear_time_limit();
  plan.set_steps(10);
  plan.set_batch_size(20);
  CHECK(device.TrainTime(plan, 100) == round::Duration(1000));
  CHECK(device.EvaluateTime(600) == round::Duration(1000));
  CHECK(device.DownloadTime(2'000'000) == round::Duration(2100));
  CHECK(device.UploadTime(2'000'000) == round::Duration(4050));
}

}  // namespace
}  // namespace tributary::simulation
