// SPDX-License-Identifier: Apache-2.0
// What one secure session is for and how it is run, the same for each of its
// clients and signed by all; and what a client's owner demands of it. Values;
// any thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/graph_parameters.h"
#include "privacy/secagg/mask_stream.h"

namespace tributary::secagg {

struct Terms {
  // What is trained: the model this client has loaded, the plan it was given.
  // A client that was given another one signs other terms, and its peers
  // refuse it.
  Digest model;
  Digest plan;
  std::string run;  // 1 .. 128 bytes
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;

  // Words of an input; whatever else is added up is one of them.
  std::uint32_t length = 0;
  // Modulus 2^word_bits.
  int word_bits = 32;
  StreamCipher cipher = StreamCipher::kAes256Ctr;

  // Fewest clients whose keys make a session, and fewest inputs in a sum.
  std::uint32_t min_cohort = 0;
  std::uint32_t min_survivors = 0;
  // Most clients; the modulus holds the sum of as many.
  std::uint32_t max_cohort = 0;
  // The graph follows from these and the cohort's size.
  std::uint32_t corrupt_per_mille = 50;
  std::uint32_t dropped_per_mille = 100;
  Adversary adversary = Adversary::kSemiMalicious;

  // InvalidArgument that names the field.
  absl::Status Validate() const;
  Digest Hash() const;
  CohortRisk RiskOf(std::uint32_t clients) const {
    return {clients, corrupt_per_mille, dropped_per_mille, adversary};
  }
  // The largest |x| a word of an input may have.
  std::int64_t LargestInput() const;
};

// Floors pinned in the client's own configuration: a coordinator may ask for
// more, never for less. Raising one is safe, lowering one is not.
struct Policy {
  // Fewest clients in a session: among fewer, each hides less.
  std::uint32_t min_cohort = 20;
  // Fewest inputs in a sum.
  std::uint32_t min_survivors = 10;
  // Shortest input: a sum of few words says much of each input.
  std::uint32_t min_length = 1;
  // Narrowest modulus, in bits: what wraps is garbage.
  int min_word_bits = 8;
  // Corrupt peers that the graph must withstand, in thousandths.
  std::uint32_t min_corrupt_per_mille = 50;
  // Least threshold, in thousandths of the holders.
  std::uint32_t min_threshold_per_mille = 500;
  // True to the protocol is enough only for a coordinator one trusts.
  Adversary adversary = Adversary::kSemiMalicious;

  // FailedPrecondition that names the floor and both values.
  absl::Status Admits(const Terms& terms) const;
  // The same for what follows from the cohort that came.
  absl::Status Admits(std::uint32_t clients,
                      const GraphParameters& graph) const;
};

// Names the session: fixed by every advertisement and the terms.
Digest SessionId(const Terms& terms, const Digest& root, std::uint32_t clients);

}  // namespace tributary::secagg
