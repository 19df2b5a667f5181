// SPDX-License-Identifier: Apache-2.0
// What a client keeps from one task of a run to the next, and never sends. The
// same struct in the real client, which persists it, and in the simulator.
//
// A value. An empty vector stands for zeros (control, residual, momentum) or
// for "not trained yet": a client that was never asked costs nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregation/manifest.h"

namespace tributary {

struct ClientState {
  // Error feedback: what the encoding has not sent yet. As long as an update.
  std::vector<float> residual = {};
  // SCAFFOLD's c_i, FedDyn's h_i. As long as the trainable part.
  std::vector<float> control = {};
  // FedPer, FedRep: the values of the local tensors, end to end. Ditto: the
  // client's own model. And where they lie in the model's flat vector.
  std::vector<float> local = {};
  std::vector<FlatRange> places = {};
  // What it sent last under update.momentum, as long as the trainable part, and
  // the round it sent it in.
  std::vector<float> momentum = {};
  std::uint64_t momentum_round = 0;

  bool IsEmpty() const {
    return residual.empty() && control.empty() && local.empty() &&
           momentum.empty();
  }
  friend bool operator==(const ClientState&, const ClientState&) = default;
};

// Bytes that hold the state, with a checksum.
std::string Serialise(const ClientState& state);
// DataLoss if the bytes are not what Serialise gave.
absl::StatusOr<ClientState> ParseClientState(std::string_view bytes);

}  // namespace tributary
