// SPDX-License-Identifier: Apache-2.0
#include "simulation/attacks/attack.h"

#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "aggregation/invariant.h"
#include "simulation/datasets/normal.h"

namespace tributary::attacks {
namespace {

absl::Status CheckPositive(const char* key, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": ", value, " is not a finite number over 0"));
}

struct Validator {
  absl::Status operator()(const SignFlip&) const { return absl::OkStatus(); }
  absl::Status operator()(const GaussianNoise& a) const {
    return CheckPositive("attack.gaussian.deviation", a.deviation);
  }
  absl::Status operator()(const LittleIsEnough& a) const {
    return CheckPositive("attack.alie.deviations", a.deviations);
  }
  absl::Status operator()(const InnerProduct& a) const {
    return CheckPositive("attack.ipm.scale", a.scale);
  }
};

struct Maker {
  const HonestMoments& honest;
  RandomSource& random;
  using Update = std::vector<float>;

  Update operator()(const SignFlip&) const { return ScaledMean(-1); }
  Update operator()(const InnerProduct& a) const {
    return ScaledMean(-a.scale);
  }
  Update operator()(const GaussianNoise& a) const {
    Update update(honest.length());
    for (float& value : update) {
      value = static_cast<float>(a.deviation * datasets::Normal(random));
    }
    return update;
  }
  Update operator()(const LittleIsEnough& a) const {
    const std::vector<double> sigma = honest.Deviations(a.spread);
    Update update(honest.length());
    for (std::size_t i = 0; i < update.size(); ++i) {
      update[i] =
          static_cast<float>(honest.mean()[i] - a.deviations * sigma[i]);
    }
    return update;
  }

 private:
  Update ScaledMean(double scale) const {
    Update update(honest.length());
    for (std::size_t i = 0; i < update.size(); ++i) {
      update[i] = static_cast<float>(scale * honest.mean()[i]);
    }
    return update;
  }
};

// Phi^-1 by bisection, as exact as erfc is: it is called once a run.
double NormalQuantile(double probability) {
  double low = -40;
  double high = 40;
  for (int k = 0; k < 200; ++k) {
    const double middle = (low + high) / 2;
    const double below = std::erfc(-middle / std::numbers::sqrt2) / 2;
    (below < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

absl::Status Validate(const Attack& attack) {
  return std::visit(Validator{}, attack);
}

std::vector<float> MaliciousUpdate(const Attack& attack,
                                   const HonestMoments& honest,
                                   RandomSource& random) {
  TRIBUTARY_INVARIANT(honest.count(), >, std::size_t{0});
  return std::visit(Maker{honest, random}, attack);
}

absl::StatusOr<double> LargestHiddenShift(std::uint32_t updates,
                                          std::uint32_t adversaries) {
  if (adversaries == 0 || adversaries >= updates / 2 + 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "attack.alie: ", adversaries, " adversaries of ", updates,
        " updates; it takes at least one, and at most ", updates / 2));
  }
  const std::uint32_t honest = updates - adversaries;
  const std::uint32_t supporters = updates / 2 + 1 - adversaries;
  if (supporters >= honest) {
    return absl::InvalidArgumentError(
        absl::StrCat("attack.alie: of ", updates,
                     " updates all that are honest would have to be further "
                     "off; it takes more updates"));
  }
  return NormalQuantile(static_cast<double>(honest - supporters) / honest);
}

}  // namespace tributary::attacks
