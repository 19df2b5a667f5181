// SPDX-License-Identifier: Apache-2.0
// Whom a client shares its masks and secrets with: what the coordinator says of
// them is checked here. Pure; any thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "privacy/secagg/graph.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/terms.h"

namespace tributary::secagg {

struct KnownPeer {
  PublicKey mask_key{};
  PublicKey channel_key{};
  std::unique_ptr<Peer> identity;
  Key choice{};
  bool is_holder = false;  // holds shares of this client's secrets
  bool is_owner = false;   // this client holds shares of its secrets
};

struct OwnPlace {
  Index index = 0;
  std::string name;
  PublicKey mask_key{};
  PublicKey channel_key{};
  Key choice{};
  Digest root;
};

// The neighbours by their index. FailedPrecondition, with the reason, unless
//   each is enrolled, signed these terms, and stands in the tree at its index;
//   no two, this client among them, share a name or a key: one that is in the
//   cohort many times over meets itself among somebody's neighbours;
//   all holders the graph gives this client are there, and of the others only
//   clients whose opened choice holds this one.
absl::StatusOr<std::map<Index, KnownPeer>> MeetNeighbours(
    const Terms& terms, const Authority& authority, const Graph& graph,
    const OwnPlace& own, std::span<const Neighbour> neighbours);

}  // namespace tributary::secagg
