// SPDX-License-Identifier: Apache-2.0
// Who holds the shares of whose secrets. A function of the session's root,
// which commits to every client's keys, and of the client's own randomness, to
// which it committed beforehand: the coordinator alone never decides it.
// Immutable; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "privacy/crypto/digest.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/graph_parameters.h"

namespace tributary::secagg {

class Graph {
 public:
  // The parameters are those of ChooseGraph for this many clients. `root` is
  // the Merkle root over the clients' advertisements.
  Graph(const GraphParameters& parameters, std::uint32_t clients,
        const Digest& root);

  const GraphParameters& parameters() const { return parameters_; }
  std::uint32_t clients() const { return clients_; }

  // Ascending, `degree` of them, never the client itself. `opening` is the
  // client's randomness; it matters to GraphKind::kChosen only.
  //
  // Complete and Harary graphs are symmetric. In a chosen one a client's
  // holders know nothing of it but its choice, and a pair is masked if either
  // chose the other (Bell et al. 2020, section 4): whom a corrupt client
  // chooses gives it no share of anybody.
  std::vector<Index> Holders(Index client, const Key& opening) const;

  // The places of Shamir's shares that these holders of one client have. In a
  // complete graph a holder has the same for every client, so that secrets of
  // many are recovered with one set of weights.
  std::vector<std::uint32_t> Places(std::span<const Index> holders) const;

 private:
  std::vector<Index> OnRing(Index client) const;
  std::vector<Index> Chosen(Index client, const Key& opening) const;

  GraphParameters parameters_;
  std::uint32_t clients_;
  Digest root_;
  std::vector<Index> ring_;           // Harary: clients in order
  std::vector<std::uint32_t> place_;  // Harary: where on the ring a client is
};

}  // namespace tributary::secagg
