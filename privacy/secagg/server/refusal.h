// SPDX-License-Identifier: Apache-2.0
// Why a client's message is not taken, and why a session comes to nothing:
// data, never errors of ours.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "privacy/secagg/graph_parameters.h"

namespace tributary::secagg {

enum class Refusal {
  kNone,
  kWrongStep,      // not expected now, or not from this client
  kAgain,          // its message of this step is there already
  kCohortFull,     // as many clients as the terms allow
  kBadCredential,  // the authority does not vouch for it
  kBadSignature,   // not signed by it for this session
  kWrongName,      // another client's credential
  kNameTaken,      // its name has advertised already
  kKeyTaken,       // one of its keys is another's
  kBadKey,         // a key of low order
  kWrongChoice,    // not what it committed to
  kWrongHolders,   // shares for others than its holders
  kWrongOwners,    // names clients it holds nothing of
  kWrongShare,     // not the share its owner committed to
};

std::string_view Name(Refusal refusal);

enum class Reason {
  kTooFewClients,       // `count` clients are left, `needed` are needed
  kNoGraph,             // no graph withstands the terms' risk
  kTooFewHolders,       // of some client `count` holders are left
  kInconsistentSecret,  // the blamed client's shares make no secret of its
};

std::string_view Name(Reason reason);

// The session is over, nothing of it was released, and every share of it that
// the server had is erased.
struct Abandoned {
  Reason reason = Reason::kTooFewClients;
  std::uint32_t count = 0;
  std::uint32_t needed = 0;
  // Clients whose messages made it so; empty if some merely left.
  std::vector<Index> blamed;
};

}  // namespace tributary::secagg
