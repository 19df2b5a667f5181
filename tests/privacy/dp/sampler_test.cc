// SPDX-License-Identifier: Apache-2.0
// The statistical tests below show that the values named have the
// probabilities named, not that draws are independent; with fixed seeds the
// false-alarm rate is the chance that a perfect sampler had failed with them.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <vector>

#include "privacy/crypto/random.h"
#include "privacy/dp/discrete_gaussian.h"
#include "privacy/dp/integer_noise.h"
#include "privacy/dp/skellam.h"

#include "tests/catch.h"

namespace tributary::dp {
namespace {

// A fixed stream of words: SplitMix64 (Steele, Lea, Flood 2014), which a few
// lines of Python repeat.
class FixedBits final : public RandomSource {
 public:
  explicit FixedBits(std::uint64_t seed) : state_(seed) {}
  void Fill(std::span<std::uint8_t> out) override {
    REQUIRE(out.size() == 8);
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t word = state_;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
    word = (word ^ word >> 27) * 0x94D049BB133111EB;
    word ^= word >> 31;
    for (int i = 0; i < 8; ++i) {
      out[static_cast<std::size_t>(i)] =
          static_cast<std::uint8_t>(word >> 8 * i);
    }
  }

 private:
  std::uint64_t state_;
};

template <typename Sampler>
std::vector<std::int64_t> Draw(const Sampler& sampler, RandomSource& random,
                               int count) {
  std::vector<std::int64_t> values;
  for (int i = 0; i < count; ++i) values.push_back(sampler.Sample(random));
  return values;
}

std::vector<double> GaussianWeights(double variance, int reach) {
  std::vector<double> weights;
  for (int x = -reach; x <= reach; ++x) {
    weights.push_back(std::exp(-x * x / (2 * variance)));
  }
  return weights;
}

// e^-v I_x(v), by convolving two Poisson distributions of mean v / 2.
std::vector<double> SkellamWeights(double variance, int reach) {
  const double mean = variance / 2;
  const int most = static_cast<int>(mean + 40 * std::sqrt(mean) + 40);
  std::vector<double> poisson;
  for (int k = 0; k <= most; ++k) {
    poisson.push_back(
        std::exp(-mean + k * std::log(mean) - std::lgamma(k + 1.0)));
  }
  std::vector<double> weights;
  for (int x = -reach; x <= reach; ++x) {
    double weight = 0;
    for (int k = std::max(0, -x); k <= most && k + x <= most; ++k) {
      weight += poisson[static_cast<std::size_t>(k)] *
                poisson[static_cast<std::size_t>(k + x)];
    }
    weights.push_back(weight);
  }
  return weights;
}

// The same for a variance of any size, by Miller's algorithm: downwards, from
// far out in the tail,
//     I_{x-1}(v) = I_{x+1}(v) + 2 x / v I_x(v)     Abramowitz and
//     Stegun, 9.6.26
// whose error falls as exp(-(far^2 - x^2) / v). Up to a factor.
std::vector<double> LargeSkellamWeights(double variance, int reach) {
  const int far =
      std::max(reach, static_cast<int>(14 * std::sqrt(variance)) + 40);
  std::vector<double> bessel(static_cast<std::size_t>(far) + 2);
  bessel[static_cast<std::size_t>(far)] = 1e-250;
  for (std::size_t x = static_cast<std::size_t>(far); x > 0; --x) {
    bessel[x - 1] =
        bessel[x + 1] + 2 * static_cast<double>(x) / variance * bessel[x];
  }
  std::vector<double> weights;
  for (int x = -reach; x <= reach; ++x) {
    weights.push_back(bessel[static_cast<std::size_t>(std::abs(x))]);
  }
  return weights;
}

// The 1 - 1e-6 quantile of chi-square, by Wilson and Hilferty 1931.
double ChiSquareLimit(double degrees) {
  const double part = 2 / (9 * degrees);
  return degrees * std::pow(1 - part + 4.7534 * std::sqrt(part), 3);
}

struct Fit {
  double chi_square = 0;
  double limit = 0;
  double mean_error = 0;      // in standard errors
  double variance_error = 0;  // in standard errors of a normal's variance
};

// Values with fewer than 20 expected draws share a bin on each side.
Fit FitOf(const std::function<std::int64_t()>& draw, int count,
          const std::vector<double>& weights) {
  const auto reach = static_cast<std::int64_t>(weights.size() / 2);
  double total = 0;
  for (const double weight : weights) total += weight;
  std::vector<double> observed(weights.size());
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < count; ++i) {
    const std::int64_t value = draw();
    sum += static_cast<double>(value);
    squares += static_cast<double>(value * value);
    const std::int64_t bin = std::clamp<std::int64_t>(
        value + reach, 0, static_cast<std::int64_t>(weights.size()) - 1);
    ++observed[static_cast<std::size_t>(bin)];
  }
  Fit fit;
  double expected_bin = 0;
  double observed_bin = 0;
  double bins = 0;
  double variance = 0;
  double last_expected = 0;
  double last_observed = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / total;
    const double x = static_cast<double>(static_cast<std::int64_t>(i) - reach);
    variance += share * x * x;
    expected_bin += share * count;
    observed_bin += observed[i];
    if (expected_bin < 20) continue;
    const double off = observed_bin - expected_bin;
    fit.chi_square += off * off / expected_bin;
    ++bins;
    last_expected = expected_bin;
    last_observed = observed_bin;
    expected_bin = observed_bin = 0;
  }
  // The rest joins the last bin.
  const double before = last_observed - last_expected;
  fit.chi_square -= before * before / last_expected;
  last_expected += expected_bin;
  last_observed += observed_bin;
  const double off = last_observed - last_expected;
  fit.chi_square += off * off / last_expected;
  fit.limit = ChiSquareLimit(bins - 1);
  fit.mean_error = sum / count / std::sqrt(variance / count);
  fit.variance_error =
      (squares / count / variance - 1) / std::sqrt(2.0 / count);
  return fit;
}

void CheckFit(const Fit& fit) {
  INFO("chi-square " << fit.chi_square << " of " << fit.limit);
  CHECK(fit.chi_square < fit.limit);
  // 4.9 standard errors: 1e-6, two-sided. A discrete Gaussian of variance 1
  // has excess kurtosis below 1e-5, Skellam noise 1 / variance: the margin for
  // the variance allows for it.
  CHECK(std::abs(fit.mean_error) < 4.9);
  CHECK(std::abs(fit.variance_error) < 4.9 * 1.25);
}

TEST_CASE(
    "a discrete Gaussian's draws from a fixed stream are those of the "
    "paper's algorithms") {
  // Algorithms 1 to 3 written down in Python with fractions.Fraction, fed with
  // the same words; each Bernoulli(p/q) is one draw below q.
  const auto draws = [](std::uint64_t variance, std::uint64_t seed) {
    FixedBits bits(seed);
    return Draw(DiscreteGaussian::WithVariance(variance).value(), bits, 12);
  };
  CHECK(draws(1, 1) ==
        std::vector<std::int64_t>{1, 1, 1, -1, 1, 0, -1, 1, 0, 1, 0, 0});
  CHECK(draws(10'000, 2) == std::vector<std::int64_t>{-59, 35, 34, 121, 62, -22,
                                                      -82, 32, -272, -12, -134,
                                                      -128});
  // Here the fractions have more than 64 bits.
  CHECK(draws((std::uint64_t{1} << 40) + 12'345, 3) ==
        std::vector<std::int64_t>{118961, -514916, -1800809, -652671, -164856,
                                  1484287, -1527993, 230816, 31334, -887240,
                                  -567856, 1844499});
}

TEST_CASE("Skellam draws from a fixed stream invert its exact table") {
  // Python's integers; against mpmath's Poisson at 300 bits the two tables are
  // 2^-107.7 and 2^-103.2 away in total variation.
  const auto draws = [](std::uint64_t variance, std::uint64_t seed) {
    FixedBits bits(seed);
    return Draw(Skellam::WithVariance(variance).value(), bits, 12);
  };
  CHECK(draws(2, 4) ==
        std::vector<std::int64_t>{0, -1, 1, 0, 2, -1, -2, -2, 2, 3, 1, 2});
  CHECK(draws(40'000, 5) == std::vector<std::int64_t>{81, -65, -72, -118, 175,
                                                      -4, -163, -46, 24, 98,
                                                      -105, -40});
}

// Words given out in order.
class GivenWords final : public RandomSource {
 public:
  explicit GivenWords(std::vector<std::uint64_t> words)
      : words_(std::move(words)) {}
  void Fill(std::span<std::uint8_t> out) override {
    REQUIRE(out.size() == 8);
    REQUIRE(next_ < words_.size());
    std::memcpy(out.data(), &words_[next_++], 8);
  }
  std::size_t given() const { return next_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
};

TEST_CASE("a point on the edge of two values is told by its low bits") {
  // Of the table for variance 2, in Python: the weights of 0 to 3 add up to
  // 0xaaaaaaaaaaaa 2^64 + 0xaaaaaaaaaaaaaaaa; those of 0 to 16, 17, ... 30 have
  // the same high bits, and the last is the sum of all.
  const auto sampler = Skellam::WithVariance(2).value();
  const auto draw = [&](std::uint64_t high, std::uint64_t low) {
    // The second word 0 is the draw of a 0 to subtract.
    GivenWords words({high << 16, low, 0, 0});
    const std::int64_t value = sampler.Sample(words);
    CHECK(words.given() >= 3);
    return value;
  };
  const std::uint64_t edge = 0xaaaaaaaaaaaa;
  CHECK(draw(edge, 0) == 3);
  CHECK(draw(edge, 0xaaaaaaaaaaaaaaa9) == 3);
  CHECK(draw(edge, 0xaaaaaaaaaaaaaaaa) == 4);
  CHECK(draw(edge, ~std::uint64_t{0}) == 4);
  const std::uint64_t last = 0xadf85458a2bb;
  CHECK(draw(last, 0) == 16);
  CHECK(draw(last, 0x14fceb419107c712) == 17);
  CHECK(draw(last, 0x4a9aafdc5620272e) == 30);
  // Beyond the sum: drawn again, two zeros.
  CHECK(draw(last, 0x4a9aafdc5620272f) == 0);
}

TEST_CASE("a discrete Gaussian has its probabilities and moments") {
  // n = 1,000,000 each, seeds 11 to 15, false-alarm rate 1e-6 a statistic.
  for (const auto& [variance, seed] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {1, 11}, {2, 12}, {30, 13}, {10'000, 14}, {9'000'000, 15}}) {
    INFO("variance " << variance);
    const auto sampler = DiscreteGaussian::WithVariance(variance).value();
    KeyedStream random(KeyFromSeed(seed));
    const double deviation = std::sqrt(static_cast<double>(variance));
    CheckFit(FitOf([&] { return sampler.Sample(random); }, 1'000'000,
                   GaussianWeights(static_cast<double>(variance),
                                   static_cast<int>(10 * deviation) + 2)));
  }
}

TEST_CASE("Skellam noise has its probabilities and moments") {
  // n = 1,000,000 each, seeds 21 to 23, false-alarm rate 1e-6 a statistic.
  for (const auto& [variance, seed] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {2, 21}, {30, 22}, {2'500, 23}}) {
    INFO("variance " << variance);
    const auto sampler = Skellam::WithVariance(variance).value();
    KeyedStream random(KeyFromSeed(seed));
    const double deviation = std::sqrt(static_cast<double>(variance));
    CheckFit(FitOf([&] { return sampler.Sample(random); }, 1'000'000,
                   SkellamWeights(static_cast<double>(variance),
                                  static_cast<int>(10 * deviation) + 8)));
  }
}

TEST_CASE("both ways to Skellam's probabilities lead there") {
  for (const double variance : {2.0, 30.0, 2'500.0}) {
    const int reach = static_cast<int>(8 * std::sqrt(variance));
    const auto one = SkellamWeights(variance, reach);
    const auto other = LargeSkellamWeights(variance, reach);
    const auto middle = static_cast<std::size_t>(reach);
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO(variance << " at " << i);
      CHECK(one[i] / one[middle] ==
            Approx(other[i] / other[middle]).epsilon(1e-9));
    }
  }
}

// Of the sizes that plans come to: with 16 bits a share has a deviation of
// thousands of grid points, and of 46,341 at most.
TEST_CASE("Skellam noise of thousands of grid points has its probabilities") {
  // n = 1,000,000 each, seeds 24 to 26, false-alarm rate 1e-6 a statistic.
  for (const auto& [variance, seed] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {4'000'000, 24}, {25'000'000, 25}, {std::uint64_t{1} << 31, 26}}) {
    INFO("variance " << variance);
    const auto sampler = Skellam::WithVariance(variance).value();
    KeyedStream random(KeyFromSeed(seed));
    const auto wide = static_cast<double>(variance);
    const int reach = static_cast<int>(10 * std::sqrt(wide)) + 8;
    CheckFit(FitOf([&] { return sampler.Sample(random); }, 1'000'000,
                   LargeSkellamWeights(wide, reach)));
  }
  // It would see a variance that is 1.5 % off.
  const auto sampler = Skellam::WithVariance(25'000'000).value();
  KeyedStream random(KeyFromSeed(25));
  const Fit fit = FitOf([&] { return sampler.Sample(random); }, 1'000'000,
                        LargeSkellamWeights(25'375'000, 50'400));
  CHECK(std::abs(fit.variance_error) > 4.9 * 1.25);
}

TEST_CASE("Skellam shares add up to Skellam noise") {
  // n = 200,000 sums of 5 shares of variance 6, seed 31.
  const auto share = Skellam::WithVariance(6).value();
  KeyedStream random(KeyFromSeed(31));
  CheckFit(FitOf(
      [&] {
        std::int64_t sum = 0;
        for (int i = 0; i < 5; ++i) sum += share.Sample(random);
        return sum;
      },
      200'000, SkellamWeights(30, 60)));
}

TEST_CASE("a wrong variance is found") {
  // The tests above would see a variance that is 5 % off.
  const auto sampler = DiscreteGaussian::WithVariance(10'000).value();
  KeyedStream random(KeyFromSeed(14));
  const Fit fit = FitOf([&] { return sampler.Sample(random); }, 1'000'000,
                        GaussianWeights(10'500, 1'012));
  CHECK(fit.chi_square > fit.limit);
  CHECK(std::abs(fit.variance_error) > 4.9 * 1.25);
}

TEST_CASE("draws from the system's generator have the same probabilities") {
  // n = 200,000, no seed: two runs in a million fail by chance.
  SystemRandom system;
  BufferedRandom random(system);
  const auto sampler = DiscreteGaussian::WithVariance(30).value();
  const Fit fit = FitOf([&] { return sampler.Sample(random); }, 200'000,
                        GaussianWeights(30, 60));
  CHECK(fit.chi_square < fit.limit);
}

TEST_CASE("noise is added to each value, its variance rounded up") {
  // n = 200,000 each, seeds 51 and 52. 29.5 is rounded up to 30 by both.
  const auto added = [](auto add, std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    std::vector<std::int64_t> values(200'000, 1'000);
    REQUIRE(add(29.5, values, random).ok());
    return values;
  };
  const auto fit = [](const std::vector<std::int64_t>& values,
                      const std::vector<double>& weights) {
    std::size_t next = 0;
    CheckFit(FitOf([&] { return values[next++] - 1'000; }, 200'000, weights));
  };
  fit(added(AddDiscreteGaussianNoise, 51), GaussianWeights(30, 60));
  fit(added(AddSkellamNoise, 52), SkellamWeights(30, 60));
}

TEST_CASE("noise of no or too large a variance changes nothing") {
  FixedBits bits(7);
  std::vector<std::int64_t> values = {1, 2};
  for (const double variance : {0.0, -1.0, std::nan(""), 0x1p51}) {
    CHECK_FALSE(AddDiscreteGaussianNoise(variance, values, bits).ok());
    CHECK_FALSE(AddSkellamNoise(variance, values, bits).ok());
  }
  CHECK(AddSkellamNoise(1e10, values, bits).message() ==
        "Skellam noise has a variance above 0 and at most 2.14748e+09 grid "
        "points squared, not 1e+10");
  CHECK(values == std::vector<std::int64_t>{1, 2});
  // A variance below every sampler's least is that least.
  CHECK(AddDiscreteGaussianNoise(1e-9, values, bits).ok());
  CHECK(AddSkellamNoise(1e-9, values, bits).ok());
}

TEST_CASE("the largest variances work, and others are refused by name") {
  FixedBits bits(6);
  const std::uint64_t largest = std::uint64_t{1} << 50;
  const auto gaussian = DiscreteGaussian::WithVariance(largest).value();
  for (const std::int64_t value : Draw(gaussian, bits, 2'000)) {
    CHECK(std::abs(static_cast<double>(value)) < 9 * 0x1p25);
  }
  const auto skellam = Skellam::WithVariance(std::uint64_t{1} << 31).value();
  for (const std::int64_t value : Draw(skellam, bits, 2'000)) {
    CHECK(std::abs(static_cast<double>(value)) < 9 * 46'341);
  }
  CHECK(DiscreteGaussian::WithVariance(0).status().message() ==
        "a discrete Gaussian's variance lies between 1 and 2^50, not 0");
  CHECK_FALSE(DiscreteGaussian::WithVariance(largest + 1).ok());
  CHECK(Skellam::WithVariance(3).status().message() ==
        "Skellam noise has an even variance between 2 and 2^31, not 3");
  CHECK_FALSE(Skellam::WithVariance(0).ok());
  CHECK_FALSE(Skellam::WithVariance((std::uint64_t{1} << 31) + 2).ok());
}

}  // namespace
}  // namespace tributary::dp
