// SPDX-License-Identifier: Apache-2.0
// What the encoder makes of a vector, seen through the decoder.
#include "aggregation/encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "tests/aggregation/decoding.h"
#include "tests/aggregation/vectors.h"

#include "tests/catch.h"

namespace tributary::aggregation {
namespace {

constexpr std::size_t kSeveralBlocks = 2 * 65'536 + 1'000;

std::vector<float> RoundTrip(const EncodingOptions& options,
                             std::span<const float> values,
                             RandomSource& random) {
  const auto bytes = Encode(options, values, [&] { return random.Word(); });
  const SizeRange size = EncodedSize(options.encoding, values.size());
  CHECK(bytes.size() >= size.min);
  CHECK(bytes.size() <= size.max);
  return DecodeWhole(options.encoding, values.size(), bytes).value();
}

float LargestMagnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

TEST_CASE("float32 comes back bit for bit") {
  KeyedStream random(KeyFromSeed(21));
  const auto values = UniformVector(random, kSeveralBlocks, 3);
  CHECK(HasSameBits(RoundTrip({}, values, random), values));
}

TEST_CASE("bfloat16 is the nearest upper half, ties to even") {
  KeyedStream random(KeyFromSeed(22));
  const EncodingOptions options{.encoding = Encoding::kBfloat16};
  const std::vector<float> values = {
      0x1.01p0f,    // half way between 0x1.00 and 0x1.02: to even, down
      0x1.03p0f,    // half way between 0x1.02 and 0x1.04: to even, up
      0x1.0101p0f,  // a little over half way: up
      -0.0f, 4.0f};
  const std::vector<float> expected = {1.0f, 0x1.04p0f, 0x1.02p0f, -0.0f, 4.0f};
  CHECK(HasSameBits(RoundTrip(options, values, random), expected));
  const auto uniform = UniformVector(random, kSeveralBlocks, 1);
  const auto decoded = RoundTrip(options, uniform, random);
  bool is_near = true;
  for (std::size_t i = 0; i < uniform.size(); ++i) {
    is_near &=
        std::fabs(decoded[i] - uniform[i]) <= std::fabs(uniform[i]) * 0x1p-8f;
  }
  CHECK(is_near);
}

TEST_CASE("no encoding gives back more than the largest value it was given") {
  // Otherwise an update clipped to update.max_abs could be refused.
  KeyedStream random(KeyFromSeed(23));
  for (const Encoding encoding : {Encoding::kFloat32, Encoding::kBfloat16,
                                  Encoding::kInt8, Encoding::kTopK}) {
    for (int i = 0; i < 300; ++i) {
      const auto bound = static_cast<float>(std::ldexp(
          1 + random.Uniform(), static_cast<int>(random.Below(200)) - 100));
      auto values = UniformVector(random, 40, bound);
      values[random.Below(40)] = random.Below(2) == 0 ? bound : -bound;
      const EncodingOptions options{encoding, 0.5};
      REQUIRE(LargestMagnitude(RoundTrip(options, values, random)) <= bound);
    }
    const std::vector<float> huge = {std::numeric_limits<float>::max(), 1};
    CHECK(std::isfinite(RoundTrip({encoding, 1}, huge, random)[0]));
  }
}

TEST_CASE("int8 is within one level and unbiased") {
  // n = 1,023 * 200 = 204,600 draws of each value, seed 24. The mean error has
  // the standard deviation scale * sqrt(p (1-p) / n), p the fraction between
  // two levels; 5 of them are passed by chance once in 1.7 million, for any of
  // six values once in 290,000. Passing does not prove that draws are
  // independent.
  KeyedStream random(KeyFromSeed(24));
  const EncodingOptions options{.encoding = Encoding::kInt8};
  const double scale = 1.0 / 127;
  for (const float value : {0.3f, -0.3f, 0.001f, -0.0001f, 0.77777f, -0.99f}) {
    std::vector<float> values(1'024, value);
    values[0] = 1;
    double error = 0;
    double worst = 0;
    for (int round = 0; round < 200; ++round) {
      const auto decoded = RoundTrip(options, values, random);
      for (std::size_t i = 1; i < decoded.size(); ++i) {
        error += decoded[i] - double{value};
        worst = std::max(worst, std::fabs(decoded[i] - double{value}));
      }
    }
    const double n = 1'023 * 200;
    const double level = std::fabs(value) / scale;
    const double p = level - std::floor(level);
    CHECK(worst <= scale * (1 + 1e-6));
    CHECK(std::fabs(error / n) < 5 * scale * std::sqrt(p * (1 - p) / n));
  }
}

TEST_CASE("int8 gives each block of 1,024 its own scale") {
  KeyedStream random(KeyFromSeed(25));
  std::vector<float> values(2'500, 0.001f);
  values[0] = 100;
  values[2'049] = 0.002f;
  const auto decoded = RoundTrip({.encoding = Encoding::kInt8}, values, random);
  CHECK(decoded[0] == Approx(100));
  CHECK(decoded[1'500] == Approx(0.001));
  CHECK(decoded[2'049] == Approx(0.002));
  const std::vector<float> zeros(3'000, 0.0f);
  CHECK(RoundTrip({.encoding = Encoding::kInt8}, zeros, random) == zeros);
}

TEST_CASE("top-k sends the largest magnitudes, of equal ones the first") {
  KeyedStream random(KeyFromSeed(26));
  const std::vector<float> values = {1, -3, 2, -2, 2, 0.5f, 0, -2};
  CHECK(RoundTrip({Encoding::kTopK, 0.5}, values, random) ==
        std::vector<float>{0, -3, 2, -2, 2, 0, 0, 0});
  CHECK(RoundTrip({Encoding::kTopK, 1e-9}, values, random) ==
        std::vector<float>{0, -3, 0, 0, 0, 0, 0, 0});
  CHECK(RoundTrip({Encoding::kTopK, 1}, values, random) == values);
}

TEST_CASE("top-k over several blocks sends exactly the fraction asked for") {
  KeyedStream random(KeyFromSeed(27));
  const auto values = UniformVector(random, kSeveralBlocks, 1);
  const auto decoded = RoundTrip({Encoding::kTopK, 0.01}, values, random);
  std::size_t sent = 0;
  float smallest_sent = 1;
  float largest_kept = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float magnitude = std::fabs(values[i]);
    if (decoded[i] != 0) {
      ++sent;
      smallest_sent = std::min(smallest_sent, magnitude);
      REQUIRE(decoded[i] == values[i]);
    } else {
      largest_kept = std::max(largest_kept, magnitude);
    }
  }
  CHECK(sent == static_cast<std::size_t>(std::ceil(0.01 * kSeveralBlocks)));
  CHECK(smallest_sent >= largest_kept);
}

TEST_CASE("with error feedback top-k loses nothing over the rounds") {
  // Karimireddy et al. 2019: what was sent so far and what is still owed add up
  // to what was computed. Integers keep the sums exact.
  KeyedStream random(KeyFromSeed(28));
  const std::size_t length = 200;
  std::vector<float> computed(length), sent(length), residual(length);
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < length; ++i) {
      const float delta = static_cast<float>(random.Below(201)) - 100;
      computed[i] += delta;
      residual[i] += delta;
    }
    const auto decoded = RoundTrip({Encoding::kTopK, 0.1}, residual, random);
    for (std::size_t i = 0; i < length; ++i) {
      sent[i] += decoded[i];
      residual[i] -= decoded[i];
    }
  }
  bool is_complete = true;
  for (std::size_t i = 0; i < length; ++i) {
    is_complete &= sent[i] + residual[i] == computed[i];
  }
  CHECK(is_complete);
}

TEST_CASE("an empty vector encodes to nothing and back") {
  KeyedStream random(KeyFromSeed(29));
  for (const Encoding encoding : {Encoding::kFloat32, Encoding::kBfloat16,
                                  Encoding::kInt8, Encoding::kTopK}) {
    CHECK(RoundTrip({encoding, 0.5}, {}, random).empty());
  }
}

TEST_CASE("values that are not finite do not come back as if they were") {
  KeyedStream random(KeyFromSeed(30));
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    const std::vector<float> values = {1, bad, 2};
    for (const Encoding encoding :
         {Encoding::kFloat32, Encoding::kBfloat16, Encoding::kTopK}) {
      CHECK_FALSE(std::isfinite(RoundTrip({encoding, 0.1}, values, random)[1]));
    }
    const auto bytes = Encode({.encoding = Encoding::kInt8}, values,
                              [&] { return random.Word(); });
    CHECK_FALSE(DecodeWhole(Encoding::kInt8, 3, bytes).ok());
  }
}

TEST_CASE("a fraction outside (0, 1] is refused by its key") {
  const auto error = [](double fraction) {
    return std::string(
        EncodingOptions{Encoding::kTopK, fraction}.Validate().message());
  };
  CHECK(error(0) == "update.top_k_fraction: 0 is not in (0, 1]");
  CHECK(error(1.5) == "update.top_k_fraction: 1.5 is not in (0, 1]");
  CHECK(error(std::nan("")) == "update.top_k_fraction: nan is not in (0, 1]");
  CHECK(error(1).empty());
}

}  // namespace
}  // namespace tributary::aggregation
