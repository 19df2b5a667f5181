// SPDX-License-Identifier: Apache-2.0
// An epsilon and everything without which it says nothing. The unit is always
// one client with all of its examples, over all rounds. A value.
#pragma once

#include <cmath>
#include <cstdint>

#include "privacy/dp/mechanism.h"

namespace tributary::ctl {

struct Spending {
  double epsilon = 0;
  double delta = 0;
  dp::Neighbours neighbours = dp::Neighbours::kAddOrRemoveOne;
  dp::Noise noise = dp::Noise::kCentral;
  dp::Sampling sampling = dp::Sampling::kPoisson;
  dp::Accountant accountant = dp::Accountant::kPld;
  std::int64_t rounds = 0;
  std::int64_t cohort = 0;
  // On the sum, or with local noise on each update, in clip norms.
  double noise_multiplier = 0;

  // Standard deviation in each coordinate of the mean, in clip norms: what the
  // model feels.
  double NoiseOnMean() const {
    const auto clients = static_cast<double>(cohort);
    return noise_multiplier /
           (noise == dp::Noise::kLocal ? std::sqrt(clients) : clients);
  }
};

}  // namespace tributary::ctl
