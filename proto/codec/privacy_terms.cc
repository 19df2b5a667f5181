// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/privacy_terms.h"

namespace tributary::codec {

dp::Noise ToNoise(v1::PrivacyPlan::Noise noise) {
  switch (noise) {
    case v1::PrivacyPlan::DISTRIBUTED:
      return dp::Noise::kDistributed;
    case v1::PrivacyPlan::LOCAL:
      return dp::Noise::kLocal;
    default:
      return dp::Noise::kCentral;
  }
}

v1::PrivacyPlan::Noise FromNoise(dp::Noise noise) {
  switch (noise) {
    case dp::Noise::kCentral:
      return v1::PrivacyPlan::CENTRAL;
    case dp::Noise::kDistributed:
      return v1::PrivacyPlan::DISTRIBUTED;
    case dp::Noise::kLocal:
      return v1::PrivacyPlan::LOCAL;
  }
  return v1::PrivacyPlan::NOISE_UNSPECIFIED;
}

dp::Sampling ToSampling(v1::PrivacyPlan::Sampling sampling) {
  switch (sampling) {
    case v1::PrivacyPlan::POISSON:
      return dp::Sampling::kPoisson;
    case v1::PrivacyPlan::FIXED_SIZE:
      return dp::Sampling::kFixedSize;
    default:
      return dp::Sampling::kNone;
  }
}

v1::PrivacyPlan::Sampling FromSampling(dp::Sampling sampling) {
  switch (sampling) {
    case dp::Sampling::kNone:
      return v1::PrivacyPlan::NONE;
    case dp::Sampling::kPoisson:
      return v1::PrivacyPlan::POISSON;
    case dp::Sampling::kFixedSize:
      return v1::PrivacyPlan::FIXED_SIZE;
  }
  return v1::PrivacyPlan::SAMPLING_UNSPECIFIED;
}

dp::Neighbours ToNeighbours(v1::PrivacyPlan::Neighbours neighbours) {
  return neighbours == v1::PrivacyPlan::REPLACE_ONE
             ? dp::Neighbours::kReplaceOne
             : dp::Neighbours::kAddOrRemoveOne;
}

v1::PrivacyPlan::Neighbours FromNeighbours(dp::Neighbours neighbours) {
  return neighbours == dp::Neighbours::kReplaceOne
             ? v1::PrivacyPlan::REPLACE_ONE
             : v1::PrivacyPlan::ADD_OR_REMOVE_ONE;
}

std::optional<dp::Accountant> ToAccountant(
    v1::PrivacyPlan::Accountant accountant) {
  switch (accountant) {
    case v1::PrivacyPlan::RDP:
      return dp::Accountant::kRdp;
    case v1::PrivacyPlan::PLD:
      return dp::Accountant::kPld;
    default:
      return std::nullopt;
  }
}

v1::PrivacyPlan::Accountant FromAccountant(dp::Accountant accountant) {
  return accountant == dp::Accountant::kRdp ? v1::PrivacyPlan::RDP
                                            : v1::PrivacyPlan::PLD;
}

}  // namespace tributary::codec
