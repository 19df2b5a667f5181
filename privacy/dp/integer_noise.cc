// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/integer_noise.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/dp/discrete_gaussian.h"
#include "privacy/dp/skellam.h"

namespace tributary::dp {
namespace {

absl::Status CheckVariance(const char* noise, double variance, double largest) {
  if (variance > 0 && variance <= largest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(noise, " noise has a variance above 0 and at most ", largest,
                   " grid points squared, not ", variance));
}

template <typename Sampler>
void AddDraws(const Sampler& sampler, std::span<std::int64_t> values,
              RandomSource& random) {
  for (std::int64_t& value : values) value += sampler.Sample(random);
}

}  // namespace

absl::Status AddDiscreteGaussianNoise(double variance,
                                      std::span<std::int64_t> values,
                                      RandomSource& random) {
  if (auto status =
          CheckVariance("Gaussian", variance, kLargestGaussianVariance);
      !status.ok()) {
    return status;
  }
  const auto sampler = DiscreteGaussian::WithVariance(
      static_cast<std::uint64_t>(std::ceil(variance)));
  if (!sampler.ok()) return sampler.status();
  AddDraws(*sampler, values, random);
  return absl::OkStatus();
}

absl::Status AddSkellamNoise(double variance, std::span<std::int64_t> values,
                             RandomSource& random) {
  if (auto status = CheckVariance("Skellam", variance, kLargestSkellamVariance);
      !status.ok()) {
    return status;
  }
  const auto even = 2 * static_cast<std::uint64_t>(std::ceil(variance / 2));
  // Its table takes as long to make as the noise of ten thousand words, and
  // rounds follow each other with the same variance.
  thread_local std::optional<std::pair<std::uint64_t, Skellam>> latest;
  if (!latest || latest->first != even) {
    auto sampler = Skellam::WithVariance(even);
    if (!sampler.ok()) return sampler.status();
    latest.emplace(even, *std::move(sampler));
  }
  AddDraws(latest->second, values, random);
  return absl::OkStatus();
}

}  // namespace tributary::dp
