// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/clipping.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "privacy/crypto/random.h"
#include "rapidcheck.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

double Norm(std::span<const float> values) {
  return std::sqrt(std::accumulate(
      values.begin(), values.end(), 0.0, [](double sum, float value) {
        return sum + static_cast<double>(value) * static_cast<double>(value);
      }));
}

std::vector<float> RandomValues(std::size_t count, double scale,
                                std::uint64_t seed) {
  KeyedStream random(KeyFromSeed(seed));
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(scale * (2 * random.Uniform() - 1));
  }
  return values;
}

TEST_CASE("an update within the norm stays as it is") {
  std::vector<float> values = {3, -4};
  CHECK(ClipFlat(values, 5).value() == Clipped::kWithin);
  CHECK(values == std::vector<float>{3, -4});
  std::vector<float> zeros(7);
  CHECK(ClipFlat(zeros, 1).value() == Clipped::kWithin);
  CHECK(zeros == std::vector<float>(7));
}

TEST_CASE("an update over the norm keeps its direction") {
  std::vector<float> values = {30, -40};
  CHECK(ClipFlat(values, 5).value() == Clipped::kScaled);
  CHECK(values[0] == Approx(3).epsilon(1e-6));
  CHECK(values[1] == Approx(-4).epsilon(1e-6));
}

TEST_CASE("no update is over the norm after it was clipped") {
  CHECK(rc::check([] {
    const double scale = std::pow(10, *rc::gen::inRange(-44, 39));
    const double norm = std::pow(10, *rc::gen::inRange(-30, 31));
    auto values = RandomValues(
        static_cast<std::size_t>(*rc::gen::inRange(1, 5'000)), scale,
        static_cast<std::uint64_t>(*rc::gen::inRange(0, 1'000'000)));
    const double before = Norm(values);
    const Clipped clipped = ClipFlat(values, norm).value();
    RC_ASSERT(Norm(values) <= norm);
    RC_ASSERT((clipped == Clipped::kWithin) == (before <= norm));
    if (clipped == Clipped::kScaled && norm > 1e-25) {
      RC_ASSERT(Norm(values) >= norm * (1 - 1e-5));
    }
  }));
}

TEST_CASE("each tensor has its part of the norm, and all are within it") {
  // Shares of 6 / sqrt(4) = 3.
  std::vector<float> values = {3, 4, 0, 1, 2, 2, 9};
  const std::vector<std::size_t> sizes = {2, 1, 3, 1};
  CHECK(ClipPerLayer(values, sizes, 6).value() == Clipped::kScaled);
  CHECK(Norm(std::span(values).subspan(0, 2)) == Approx(3).epsilon(1e-6));
  CHECK(values[2] == 0);
  // Norm 3 exactly: within.
  CHECK(std::vector<float>(values.begin() + 3, values.begin() + 6) ==
        std::vector<float>{1, 2, 2});
  CHECK(values[6] == Approx(3).epsilon(1e-6));
  CHECK(Norm(values) <= 6);
  CHECK(ClipPerLayer(values, sizes, 6).value() == Clipped::kWithin);
}

TEST_CASE("what has no norm is refused and left as it is") {
  const float infinite = std::numeric_limits<float>::infinity();
  for (const float bad : {infinite, -infinite, std::nanf("")}) {
    std::vector<float> values = {1, 2, bad, 4};
    CHECK(ClipFlat(values, 1).status().message() ==
          "coordinate 2 of the update is not finite");
    CHECK(values[0] == 1);
    CHECK_FALSE(ClipPerLayer(values, std::vector<std::size_t>{4}, 1).ok());
  }
  std::vector<float> fine = {1};
  for (const double norm : {0.0, -1.0, std::nan(""), 1e31}) {
    CHECK(ClipFlat(fine, norm).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
  CHECK(ClipPerLayer(fine, std::vector<std::size_t>{1, 1}, 1)
            .status()
            .message() == "tensors of 2 values in an update of 1");
}

TEST_CASE("the largest floats are clipped without overflow") {
  std::vector<float> values(1'000, std::numeric_limits<float>::max());
  CHECK(ClipFlat(values, 1).value() == Clipped::kScaled);
  CHECK(Norm(values) == Approx(1).epsilon(1e-5));
  CHECK(Norm(values) <= 1);
}

}  // namespace
}  // namespace tributary::dp
