// SPDX-License-Identifier: Apache-2.0
#include "client/core/secure_demands.h"

namespace tributary {

session::SecureDemands DemandsOf(const SecureAggregationOptions& options) {
  using Unmasked = session::SecureDemands::Unmasked;
  session::SecureDemands demands;
  demands.unmasked = options.use == SecureAggregationOptions::Use::kRequired
                         ? Unmasked::kRefused
                         : Unmasked::kTaken;
  demands.min_noise_multiplier = options.min_noise_multiplier;
  secagg::Policy& policy = demands.policy;
  policy.min_cohort = options.min_cohort;
  policy.min_survivors = options.min_survivors;
  policy.min_length = options.min_length;
  policy.min_word_bits = options.min_word_bits;
  policy.min_corrupt_per_mille = options.min_corrupt_per_mille;
  policy.min_threshold_per_mille = options.min_threshold_per_mille;
  policy.adversary =
      options.adversary == SecureAggregationOptions::Adversary::kSemiHonest
          ? secagg::Adversary::kSemiHonest
          : secagg::Adversary::kSemiMalicious;
  return demands;
}

}  // namespace tributary
