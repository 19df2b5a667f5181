// SPDX-License-Identifier: Apache-2.0
// The masks that are left in a sum once its session is through: of each client
// that is in it its own mask, of each that shared its keys and then left those
// it had with the others. Immutable; any thread. Erased when it goes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "privacy/secagg/messages.h"

namespace tributary::secagg {

class Recovery {
 public:
  Recovery(const Digest& session, const Members& sharers,
           const Members& survivors)
      : session_(session), sharers_(sharers), survivors_(survivors) {}

  void AddSurvivor(Index client, Secret self_mask);
  // `neighbours` are those with inputs in the sum, with their mask keys.
  struct Neighbour {
    Index index = 0;
    PublicKey mask_key{};
  };
  void AddDropped(Index client, Secret mask_key,
                  std::vector<Neighbour> neighbours);

  const Digest& session() const { return session_; }
  // Whose inputs the sum holds.
  const Members& survivors() const { return survivors_; }

  // Groups can be worked out side by side: the one of a client that left costs
  // a key agreement for each of its neighbours.
  std::size_t groups() const { return secrets_.size(); }
  // What takes a group's masks off the sum.
  std::vector<Mask> MasksOf(std::size_t group) const;
  std::vector<Mask> AllMasks() const;

 private:
  struct Recovered {
    Index client = 0;
    Secret secret;
    std::vector<Neighbour> neighbours;  // none: the secret is a self mask's
  };

  Digest session_;
  Members sharers_;
  Members survivors_;
  std::vector<Recovered> secrets_;
};

}  // namespace tributary::secagg
