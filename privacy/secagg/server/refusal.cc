// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/server/refusal.h"

namespace tributary::secagg {

std::string_view Name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
    case Refusal::kWrongStep:
      return "wrong step";
    case Refusal::kAgain:
      return "again";
    case Refusal::kCohortFull:
      return "cohort full";
    case Refusal::kBadCredential:
      return "bad credential";
    case Refusal::kBadSignature:
      return "bad signature";
    case Refusal::kWrongName:
      return "wrong name";
    case Refusal::kNameTaken:
      return "name taken";
    case Refusal::kKeyTaken:
      return "key taken";
    case Refusal::kBadKey:
      return "bad key";
    case Refusal::kWrongChoice:
      return "wrong choice";
    case Refusal::kWrongHolders:
      return "wrong holders";
    case Refusal::kWrongOwners:
      return "wrong owners";
    case Refusal::kWrongShare:
      return "wrong share";
  }
  return "unknown";
}

std::string_view Name(Reason reason) {
  switch (reason) {
    case Reason::kTooFewClients:
      return "too few clients";
    case Reason::kNoGraph:
      return "no graph";
    case Reason::kTooFewHolders:
      return "too few holders";
    case Reason::kInconsistentSecret:
      return "inconsistent secret";
  }
  return "unknown";
}

}  // namespace tributary::secagg
