// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "privacy/secagg/client/client.h"
#include "privacy/secagg/client/state.h"
#include "privacy/secagg/packing.h"

namespace tributary::secagg {
namespace {

using Step = ClientStep;

// Words that are masked and packed at a time: they stay in the cache.
constexpr std::size_t kBlockWords = 16'384;

template <typename Word>
std::vector<std::byte> MaskWords(const Terms& terms,
                                 std::span<const Mask> masks,
                                 std::span<const std::int64_t> input) {
  std::vector<std::byte> packed(PackedSize(input.size(), terms.word_bits));
  MaskStreams streams(terms.cipher, masks, 0, sizeof(Word));
  SecretVector<Word> block(std::min(kBlockWords, input.size()));
  std::byte* to = packed.data();
  while (!input.empty()) {
    const std::size_t count = std::min(block.size(), input.size());
    const std::span<Word> words(block.data(), count);
    std::ranges::transform(
        input.first(count), words.begin(),
        [](std::int64_t value) { return static_cast<Word>(value); });
    streams.Apply(words);
    const std::size_t bytes = PackedSize(count, terms.word_bits);
    Pack(words, terms.word_bits, {to, bytes});
    to += bytes;
    input = input.subspan(count);
  }
  return packed;
}

}  // namespace

absl::Status Client::State::CheckMembers(const Members& members) const {
  if (members.clients() != graph->clients()) {
    return Refused("a set of ", members.clients(), " clients, not of ",
                   graph->clients());
  }
  if (!members.Contains(own.index)) {
    return Refused("a set without this client");
  }
  const std::uint32_t least =
      std::max(terms.min_survivors, policy.min_survivors);
  if (members.count() < least) {
    return Refused("only ", members.count(), " clients are left, not ", least);
  }
  const std::uint32_t left = members.CountOf(holders);
  if (left < graph->parameters().threshold) {
    return Refused("only ", left, " of this client's ", holders.size(),
                   " holders are left, not ", graph->parameters().threshold);
  }
  return absl::OkStatus();
}

bool Client::State::Hold(const SealedShares& sealed) {
  const Passage passage = Between(sealed.peer, own.index);
  auto shares = Open(channels.at(sealed.peer), passage, sealed.sealed);
  if (!shares.ok()) return false;
  if (CommitToShare(ShareOf::kMaskKey, passage, shares->mask_key) !=
          sealed.mask_key ||
      CommitToShare(ShareOf::kSelfMask, passage, shares->self_mask) !=
          sealed.self_mask) {
    return false;
  }
  held.emplace(sealed.peer, *std::move(shares));
  return true;
}

absl::StatusOr<MaskedInput> Client::State::Take(const RoutedShares& routed) {
  if (auto status = Expect(Step::kShares); !status.ok()) return status;
  if (auto status = CheckMembers(routed.sharers); !status.ok()) return status;
  std::vector<Index> owners;
  for (const auto& [index, peer] : known) {
    if (peer.is_owner && routed.sharers.Contains(index)) {
      owners.push_back(index);
    }
  }
  if (!std::ranges::equal(owners, routed.shares, {}, {}, &SealedShares::peer)) {
    return Refused("shares of others than those this client is to hold");
  }
  MaskedInput message;
  for (const SealedShares& sealed : routed.shares) {
    if (!Hold(sealed)) message.unreadable.push_back(sealed.peer);
  }
  sharers = routed.sharers;
  channel_pair.reset();
  channels.clear();
  step = Step::kMask;
  return message;
}

absl::StatusOr<std::vector<Mask>> Client::State::Masks() const {
  std::vector<Mask> masks;
  masks.push_back(
      {SelfMaskKey(self_mask, session, own.index), Direction::kAdd});
  for (const auto& [index, peer] : known) {
    if (!sharers.Contains(index)) continue;
    const auto shared = mask_pair->Agree(PeerKey(peer.mask_key));
    if (!shared.ok()) {
      return Refused("neighbour ", index, ": its key is of low order");
    }
    masks.push_back({PairMaskKey(*shared, session, own.index, index, sharers),
                     PairDirection(own.index, index)});
  }
  return masks;
}

absl::StatusOr<Agreement> Client::State::Take(const Survivors& message) {
  if (auto status = Expect(Step::kSurvivors); !status.ok()) return status;
  if (auto status = CheckMembers(message.members); !status.ok()) return status;
  if (!message.members.IsWithin(sharers)) {
    return Refused("a survivor that never shared its keys");
  }
  survivors = message.members;
  auto signature = signer.Sign(AgreedPart(session, sharers, survivors));
  if (!signature.ok()) return signature.status();
  step = Step::kAgreements;
  return Agreement{*std::move(signature)};
}

absl::StatusOr<Unmasking> Client::State::Take(
    std::span<const SignedAgreement> agreements) {
  if (auto status = Expect(Step::kAgreements); !status.ok()) return status;
  const std::uint32_t threshold = graph->parameters().threshold;
  const std::string agreed = AgreedPart(session, sharers, survivors);
  Members signers(graph->clients());
  for (const SignedAgreement& agreement : agreements) {
    if (!std::ranges::binary_search(holders, agreement.client) ||
        !survivors.Contains(agreement.client)) {
      return Refused("client ", agreement.client,
                     " is no surviving holder of this one");
    }
    const auto& peer = *known.at(agreement.client).identity;
    if (!peer.Verify(agreed, agreement.signature).ok()) {
      return Refused("client ", agreement.client,
                     " did not sign these sharers and survivors");
    }
    signers.Insert(agreement.client);
  }
  if (signers.count() < threshold) {
    return Refused("only ", signers.count(), " holders of this client agree, ",
                   "not ", threshold);
  }

  Unmasking answer;
  for (const auto& [owner, shares] : held) {
    const bool is_survivor = survivors.Contains(owner);
    if (is_survivor && survivors.CountOf(graph->Holders(
                           owner, known.at(owner).choice)) < threshold) {
      return Refused("too few holders of client ", owner, " are left");
    }
    answer.shares.push_back({owner, is_survivor ? shares.self_mask.Copy()
                                                : shares.mask_key.Copy()});
  }
  if (auto status = answered.Remember(session); !status.ok()) return status;
  End();
  return answer;
}

absl::StatusOr<std::vector<std::byte>> Client::MaskInput(
    std::span<const std::int64_t> input) {
  State& state = *state_;
  if (auto status = state.Expect(Step::kMask); !status.ok()) return status;
  if (input.size() != state.terms.length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an input of ", input.size(), " words, not of ", state.terms.length));
  }
  const std::int64_t largest = state.terms.LargestInput();
  for (const std::int64_t word : input) {
    if (word > largest || word < -largest) {
      return absl::InvalidArgumentError(
          absl::StrCat("a word of the input is beyond ", largest));
    }
  }
  const auto masks = state.Checked(state.Masks());
  if (!masks.ok()) return masks.status();
  // Nobody needs them again: what is left are the shares held for others.
  state.mask_pair.reset();
  state.self_mask = Secret();
  state.step = Step::kSurvivors;
  return state.terms.word_bits <= 32
             ? MaskWords<std::uint32_t>(state.terms, *masks, input)
             : MaskWords<std::uint64_t>(state.terms, *masks, input);
}

}  // namespace tributary::secagg
