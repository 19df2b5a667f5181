// SPDX-License-Identifier: Apache-2.0
#include "privacy/dp/integer_noise.h"

#include <cmath>

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
  const auto half = static_cast<std::uint64_t>(std::ceil(variance / 2));
  const auto sampler = Skellam::WithVariance(2 * half);
  if (!sampler.ok()) return sampler.status();
  AddDraws(*sampler, values, random);
  return absl::OkStatus();
}

}  // namespace tributary::dp
