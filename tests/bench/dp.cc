// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/dp.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <span>
#include <string>

#include "privacy/crypto/random.h"
#include "privacy/dp/accountant.h"
#include "privacy/dp/integer_noise.h"
#include "tests/bench/process.h"

namespace tributary::bench {
namespace {

constexpr std::size_t kSamples = 1'000'000;

// Of processor time, the median.
double Seconds(int repetitions, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const std::clock_t start = std::clock();
    work();
    seconds.push_back(static_cast<double>(std::clock() - start) /
                      CLOCKS_PER_SEC);
  }
  return Median(std::move(seconds));
}

using AddNoise = absl::Status (*)(double variance, std::span<std::int64_t>,
                                  RandomSource&);

// Millions a second, the sampler's tables included, as they are made for each
// update.
double Rate(int repetitions, AddNoise add, double deviation) {
  SystemRandom system;
  BufferedRandom random(system);
  std::vector<std::int64_t> values(kSamples);
  const double seconds = Seconds(repetitions, [&] {
    if (!add(deviation * deviation, values, random).ok()) {
      Fail("no noise of this variance");
    }
  });
  return kSamples / seconds / 1e6;
}

// Megabytes of random words a second: what no sampler can do without.
double WordRate(int repetitions) {
  SystemRandom system;
  BufferedRandom random(system);
  std::uint64_t sum = 0;
  const double seconds = Seconds(repetitions, [&] {
    for (std::size_t i = 0; i < 4 * kSamples; ++i) sum ^= random.Word();
  });
  if (sum == 0) Fail("a generator of zeros");
  return 8 * 4 * kSamples / seconds / 1e6;
}

}  // namespace

std::vector<Figure> MeasurePrivacy(int repetitions) {
  char words[64];
  std::snprintf(words, sizeof words, "system's generator at %.0f MB/s of words",
                WordRate(repetitions));
  const double composition = Seconds(repetitions, [] {
    const auto epsilon =
        dp::Epsilon(dp::Accountant::kPld,
                    dp::GaussianRounds{
                        .noise_multiplier = 1, .rate = 0.001, .rounds = 10'000},
                    1e-6);
    if (!epsilon.ok()) Fail("10,000 compositions have no epsilon");
  });
  return {
      {"dp.discrete_gaussian_msamples_per_s",
       Rate(repetitions, dp::AddDiscreteGaussianNoise, 100), "M/s", 2.0,
       std::string("sigma = 100, exact; ") + words, Wanted::kAtLeast},
      {"dp.skellam_msamples_per_s", Rate(repetitions, dp::AddSkellamNoise, 100),
       "M/s", std::nullopt, "sigma = 100, with its table"},
      {"dp.skellam_msamples_per_s.sigma_3000",
       Rate(repetitions, dp::AddSkellamNoise, 3'000), "M/s", std::nullopt,
       "a share of 100, 16 bits, noise multiplier 1"},
      {"dp.pld_10000_compositions_s", composition, "s", 2.0,
       "rate 0.001, noise multiplier 1, delta 1e-6"},
  };
}

}  // namespace tributary::bench
