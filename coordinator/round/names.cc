// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "coordinator/round/state.h"
#include "coordinator/round/types.h"

namespace tributary::round {

std::string_view Name(Refusal reason) {
  switch (reason) {
    case Refusal::kNone:
      return "none";
    case Refusal::kTooLate:
      return "too_late";
    case Refusal::kDuplicate:
      return "duplicate";
    case Refusal::kNotInCohort:
      return "not_in_cohort";
    case Refusal::kUnknownTask:
      return "unknown_task";
    case Refusal::kStaleModel:
      return "stale_model";
    case Refusal::kWrongSize:
      return "wrong_size";
    case Refusal::kBadChecksum:
      return "bad_checksum";
    case Refusal::kBadEncoding:
      return "bad_encoding";
    case Refusal::kNotFinite:
      return "not_finite";
    case Refusal::kOverBound:
      return "over_bound";
    case Refusal::kBadWeight:
      return "bad_weight";
    case Refusal::kRevoked:
      return "revoked";
    case Refusal::kWrongRole:
      return "wrong_role";
    case Refusal::kWrongPopulation:
      return "wrong_population";
    case Refusal::kUnsupportedVersion:
      return "unsupported_version";
    case Refusal::kIdentityMismatch:
      return "identity_mismatch";
    case Refusal::kBadMessage:
      return "bad_message";
    case Refusal::kRunEnded:
      return "run_ended";
    case Refusal::kBadProtocol:
      return "bad_protocol";
    case Refusal::kAbandoned:
      return "abandoned";
    case Refusal::kOverlap:
      return "overlap";
    case Refusal::kEpochOver:
      return "epoch_over";
  }
  return "unknown";
}

std::string_view Name(SecureStep step) {
  switch (step) {
    case SecureStep::kAdvertising:
      return "advertising";
    case SecureStep::kOpening:
      return "opening";
    case SecureStep::kSharing:
      return "sharing";
    case SecureStep::kMasking:
      return "masking";
    case SecureStep::kAgreeing:
      return "agreeing";
    case SecureStep::kUnmasking:
      return "unmasking";
  }
  return "unknown";
}

std::string_view Name(const Phase& phase) {
  struct Names {
    std::string_view operator()(const Selecting&) { return "selecting"; }
    std::string_view operator()(const Keying&) { return "keying"; }
    std::string_view operator()(const Collecting&) { return "collecting"; }
    std::string_view operator()(const Unmasking&) { return "unmasking"; }
    std::string_view operator()(const Buffering&) { return "buffering"; }
    std::string_view operator()(const Released&) { return "released"; }
    std::string_view operator()(const Abandoned&) { return "abandoned"; }
    std::string_view operator()(const Finishing&) { return "finishing"; }
    std::string_view operator()(const Ended&) { return "ended"; }
    std::string_view operator()(const Resting&) { return "resting"; }
  };
  return std::visit(Names{}, phase);
}

}  // namespace tributary::round
