// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/server/recovery.h"

#include <cstdlib>
#include <iterator>
#include <utility>

namespace tributary::secagg {
namespace {

Direction Opposite(Direction direction) {
  return direction == Direction::kAdd ? Direction::kSubtract : Direction::kAdd;
}

}  // namespace

void Recovery::AddSurvivor(Index client, Secret self_mask) {
  secrets_.push_back({client, std::move(self_mask), {}});
}

void Recovery::AddDropped(Index client, Secret mask_key,
                          std::vector<Neighbour> neighbours) {
  if (neighbours.empty()) return;  // it is in nobody's input
  secrets_.push_back({client, std::move(mask_key), std::move(neighbours)});
}

std::vector<Mask> Recovery::MasksOf(std::size_t group) const {
  const Recovered& of = secrets_[group];
  std::vector<Mask> masks;
  if (of.neighbours.empty()) {
    masks.push_back({SelfMaskKey(of.secret, session_, of.client),
                     Opposite(Direction::kAdd)});
    return masks;
  }
  const KeyPair pair = KeyPair::FromSecret(of.secret);
  for (const Neighbour& neighbour : of.neighbours) {
    const auto shared = pair.Agree(PeerKey(neighbour.mask_key));
    if (!shared.ok()) std::abort();  // the server took no such key
    masks.push_back(
        {PairMaskKey(*shared, session_, of.client, neighbour.index, sharers_),
         Opposite(PairDirection(neighbour.index, of.client))});
  }
  return masks;
}

std::vector<Mask> Recovery::AllMasks() const {
  std::vector<Mask> all;
  for (std::size_t i = 0; i < groups(); ++i) {
    std::vector<Mask> some = MasksOf(i);
    std::ranges::move(some, std::back_inserter(all));
  }
  return all;
}

}  // namespace tributary::secagg
