// SPDX-License-Identifier: Apache-2.0
#include "simulation/partitions/feature_shift.h"

#include <cmath>
#include <vector>

#include "simulation/partitions/rotation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

v1::Partition::FeatureShift Noise(double noise) {
  v1::Partition::FeatureShift plan;
  plan.set_noise(noise);
  return plan;
}

Dataset Zeros(std::size_t examples, std::vector<std::int64_t> shape) {
  Dataset data;
  data.example_shape = std::move(shape);
  data.targets.assign(examples, 0);
  data.features.assign(examples * data.ExampleLength(), 0);
  return data;
}

TEST_CASE("without a shift nothing changes") {
  Dataset rows = Zeros(2, {3});
  FeatureShift().Apply(0, rows);
  CHECK(rows.features == std::vector<float>(6, 0));
  CHECK(FeatureShift().IsIdentity());
  CHECK(FeatureShift().NoiseOf(3) == 0);
}

TEST_CASE("noise grows from client to client") {
  const FeatureShift shift(Noise(0.8), 4, KeyFromSeed(1));
  CHECK(shift.NoiseOf(0) == Approx(0.2));
  CHECK(shift.NoiseOf(3) == Approx(0.8));
  // 40,000 draws: five standard errors of mean and variance.
  for (const std::size_t client : {0u, 3u}) {
    Dataset rows = Zeros(400, {100});
    shift.Apply(client, rows);
    double sum = 0;
    double squares = 0;
    for (const float value : rows.features) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    const double deviation = shift.NoiseOf(client);
    CHECK(std::abs(sum / 40000) < 5 * deviation / 200);
    CHECK(std::abs(squares / 40000 / (deviation * deviation) - 1) <
          5 * std::sqrt(2.0 / 40000));
  }
}

TEST_CASE("a shift is the same every time, and of each client") {
  v1::Partition::FeatureShift plan = Noise(1);
  plan.set_rotation_max_degrees(45);
  const auto shifted = [&](std::uint64_t seed, std::size_t client) {
    Dataset rows = Zeros(2, {1, 4, 4});
    rows.features[5] = 1;
    FeatureShift(plan, 2, KeyFromSeed(seed)).Apply(client, rows);
    return rows.features;
  };
  CHECK(shifted(1, 0) == shifted(1, 0));
  CHECK(shifted(1, 0) != shifted(1, 1));
  CHECK(shifted(1, 0) != shifted(2, 0));
}

TEST_CASE("angles lie within the plan's, or are those it lists") {
  v1::Partition::FeatureShift drawn;
  drawn.set_rotation_max_degrees(30);
  const FeatureShift shift(drawn, 1000, KeyFromSeed(1));
  double sum = 0;
  double largest = 0;
  for (std::size_t client = 0; client < 1000; ++client) {
    sum += shift.DegreesOf(client);
    largest = std::max(largest, std::abs(shift.DegreesOf(client)));
  }
  CHECK(largest <= 30);
  CHECK(largest > 29);
  // Five standard errors of the mean, 30 / sqrt(3 n).
  CHECK(std::abs(sum / 1000) < 5 * 30 / std::sqrt(3000.0));

  v1::Partition::FeatureShift listed;
  for (const double degrees : {0, 90, 180, 270}) {
    listed.add_rotation_degrees(degrees);
  }
  const FeatureShift clusters(listed, 8, KeyFromSeed(1));
  CHECK(clusters.DegreesOf(0) == 0);
  CHECK(clusters.DegreesOf(5) == 90);
  CHECK(clusters.DegreesOf(7) == 270);
}

TEST_CASE("only images are rotated") {
  v1::Partition::FeatureShift plan;
  plan.set_rotation_max_degrees(30);
  const FeatureShift shift(plan, 1, KeyFromSeed(1));
  CHECK(shift.Check({1, 28, 28}).ok());
  CHECK(shift.Check({28, 28}).ok());
  CHECK(shift.Check({64}).message() ==
        "simulation.partition.feature_shift: only images, height x width or "
        "channels x height x width, can be rotated; an example of "
        "simulation.train is 64");
  CHECK(FeatureShift(Noise(1), 1, KeyFromSeed(1)).Check({64}).ok());
}

TEST_CASE("every channel of every image is rotated") {
  v1::Partition::FeatureShift plan;
  plan.add_rotation_degrees(180);
  Dataset rows = Zeros(2, {2, 1, 2});
  rows.features = {1, 2, 3, 4, 5, 6, 7, 8};
  FeatureShift(plan, 1, KeyFromSeed(1)).Apply(0, rows);
  CHECK(rows.features == std::vector<float>{2, 1, 4, 3, 6, 5, 8, 7});
}

TEST_CASE("a quarter turn is counter-clockwise and exact") {
  // 1 2 3      3 6 9
  // 4 5 6  ->  2 5 8
  // 7 8 9      1 4 7
  std::vector<float> pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  RotateImage(pixels, 3, 3, 90);
  CHECK(pixels == std::vector<float>{3, 6, 9, 2, 5, 8, 1, 4, 7});
  RotateImage(pixels, 3, 3, 270);
  CHECK(pixels == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  RotateImage(pixels, 3, 3, -180);
  CHECK(pixels == std::vector<float>{9, 8, 7, 6, 5, 4, 3, 2, 1});
}

TEST_CASE("between pixels a turned image is interpolated, outside it is 0") {
  std::vector<float> pixels(49, 1);
  RotateImage(pixels, 7, 7, 45);
  CHECK(pixels[24] == Approx(1));  // the centre
  CHECK(pixels[17] == Approx(1));  // within the image before
  CHECK(pixels[0] == 0);           // from outside its corners
  // One to the right of the centre is where sqrt(1/2) to its right was.
  std::vector<float> ramp(25);
  for (std::size_t i = 0; i < 25; ++i) ramp[i] = static_cast<float>(i % 5);
  RotateImage(ramp, 5, 5, 45);
  CHECK(ramp[2 * 5 + 3] == Approx(2 + std::sqrt(0.5)));
}

}  // namespace
}  // namespace tributary::simulation
