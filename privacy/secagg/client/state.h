// SPDX-License-Identifier: Apache-2.0
// What the client's half knows of its session. For client.cc, which has the
// steps up to the keys, and masking.cc, which has those from the shares on.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "privacy/secagg/client/client.h"
#include "privacy/secagg/client/neighbourhood.h"
#include "privacy/secagg/graph.h"

namespace tributary::secagg {

enum class ClientStep {
  kAdvertise,
  kRoster,
  kNeighbours,
  kShares,
  kMask,
  kSurvivors,
  kAgreements,
  kOver,
};

template <typename... Parts>
absl::Status Refused(const Parts&... parts) {
  return absl::FailedPreconditionError(absl::StrCat(parts...));
}

struct Client::State {
  State(const Terms& own_terms, const Policy& own_policy, Signer& own_signer,
        const Authority& pinned, AnsweredSessions& memory)
      : terms(own_terms),
        policy(own_policy),
        signer(own_signer),
        authority(pinned),
        answered(memory) {}

  // What was refused ends the session: nothing of it is left to be asked for.
  template <typename Result>
  Result Checked(Result result) {
    if (!result.ok()) End();
    return result;
  }
  void End() {
    step = ClientStep::kOver;
    mask_pair.reset();
    channel_pair.reset();
    self_mask = Secret();
    channels.clear();
    held.clear();
  }
  absl::Status Expect(ClientStep expected) const {
    if (step == expected) return absl::OkStatus();
    return Refused(step == ClientStep::kOver
                       ? "the session is over"
                       : "a message at another time than its own");
  }
  Passage Between(Index from, Index to) const {
    return {session, terms.round, from, to};
  }

  absl::StatusOr<Advertisement> Advertise();
  absl::StatusOr<Opening> Take(const Roster& roster);
  absl::StatusOr<KeyShares> Take(std::span<const Neighbour> neighbours);
  absl::StatusOr<MaskedInput> Take(const RoutedShares& routed);
  absl::StatusOr<Agreement> Take(const Survivors& message);
  absl::StatusOr<Unmasking> Take(std::span<const SignedAgreement> agreements);

  absl::StatusOr<std::vector<Mask>> Masks() const;
  // Enough clients to hide among, this one and enough of its holders with them.
  absl::Status CheckMembers(const Members& members) const;
  // False if the shares do not open, or are not what their owner committed to.
  bool Hold(const SealedShares& sealed);

  const Terms terms;
  const Policy policy;
  Signer& signer;
  const Authority& authority;
  AnsweredSessions& answered;

  ClientStep step = ClientStep::kAdvertise;
  std::optional<KeyPair> mask_pair;
  std::optional<KeyPair> channel_pair;
  OwnPlace own;
  Digest leaf;
  Digest session;
  std::optional<Graph> graph;
  std::vector<Index> holders;
  std::map<Index, KnownPeer> known;
  std::map<Index, Secret> channels;
  Secret self_mask;
  Members sharers;
  std::map<Index, HeldShares> held;
  Members survivors;
};

}  // namespace tributary::secagg
