// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/client/client.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "privacy/secagg/client/neighbourhood.h"
#include "privacy/secagg/graph.h"
#include "privacy/secagg/merkle_tree.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/shamir.h"

namespace tributary::secagg {
namespace {

// Words that are masked and packed at a time: they stay in the cache.
constexpr std::size_t kBlockWords = 16'384;

enum class Step {
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
absl::Status Refuse(const Parts&... parts) {
  return absl::FailedPreconditionError(absl::StrCat(parts...));
}

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
    step = Step::kOver;
    mask_pair.reset();
    channel_pair.reset();
    self_mask = Secret();
    channels.clear();
    held.clear();
  }
  absl::Status Expect(Step expected) const {
    if (step == expected) return absl::OkStatus();
    return Refuse(step == Step::kOver
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

  Step step = Step::kAdvertise;
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

absl::StatusOr<Advertisement> Client::State::Advertise() {
  if (auto status = Expect(Step::kAdvertise); !status.ok()) return status;
  const auto identity = authority.Identify(signer.credential());
  if (!identity.ok()) return identity.status();
  mask_pair = KeyPair::Generate();
  channel_pair = KeyPair::Generate();
  own.name = (*identity)->name();
  own.mask_key = mask_pair->public_key();
  own.channel_key = channel_pair->public_key();
  SystemRandom().Fill(own.choice);
  Advertisement advertisement{own.mask_key, own.channel_key,
                              CommitToChoice(own.choice, own.mask_key),
                              signer.credential(), ""};
  auto signature = signer.Sign(SignedPart(terms, advertisement));
  if (!signature.ok()) return signature.status();
  advertisement.signature = *std::move(signature);
  leaf = LeafOf(advertisement);
  step = Step::kRoster;
  return advertisement;
}

absl::StatusOr<Opening> Client::State::Take(const Roster& roster) {
  if (auto status = Expect(Step::kRoster); !status.ok()) return status;
  if (roster.clients < terms.min_cohort || roster.clients > terms.max_cohort) {
    return Refuse("a cohort of ", roster.clients, ", which is not in ",
                  terms.min_cohort, " .. ", terms.max_cohort);
  }
  if (!IsIncluded(leaf, roster.index, roster.clients, roster.proof,
                  roster.root)) {
    return Refuse("this client's advertisement is not in the tree");
  }
  const auto parameters = ChooseGraph(terms.RiskOf(roster.clients));
  if (!parameters.ok()) return parameters.status();
  if (auto status = policy.Admits(roster.clients, *parameters); !status.ok()) {
    return status;
  }
  own.index = roster.index;
  own.root = roster.root;
  session = SessionId(terms, roster.root, roster.clients);
  graph.emplace(*parameters, roster.clients, roster.root);
  holders = graph->Holders(own.index, own.choice);
  step = Step::kNeighbours;
  return Opening{own.choice};
}

absl::StatusOr<KeyShares> Client::State::Take(
    std::span<const Neighbour> neighbours) {
  if (auto status = Expect(Step::kNeighbours); !status.ok()) return status;
  auto met = MeetNeighbours(terms, authority, *graph, own, neighbours);
  if (!met.ok()) return met.status();
  known = *std::move(met);
  for (const auto& [index, peer] : known) {
    auto shared = channel_pair->Agree(PeerKey(peer.channel_key));
    if (!shared.ok()) {
      return Refuse("neighbour ", index, ": its key is of low order");
    }
    channels.emplace(index, *std::move(shared));
  }

  SystemRandom random;
  random.Fill(self_mask.bytes());
  const std::uint32_t threshold = graph->parameters().threshold;
  const auto places = graph->Places(holders);
  const auto key_shares =
      ShareSecret(mask_pair->secret(), threshold, places, random);
  const auto mask_shares = ShareSecret(self_mask, threshold, places, random);
  KeyShares message{CommitToSelfMask(session, own.index, self_mask), {}};
  for (std::size_t i = 0; i < holders.size(); ++i) {
    const Passage passage = Between(own.index, holders[i]);
    message.shares.push_back(
        {holders[i],
         Seal(channels.at(holders[i]), passage,
              {key_shares[i].Copy(), mask_shares[i].Copy()}),
         CommitToShare(ShareOf::kMaskKey, passage, key_shares[i]),
         CommitToShare(ShareOf::kSelfMask, passage, mask_shares[i])});
  }
  step = Step::kShares;
  return message;
}

absl::Status Client::State::CheckMembers(const Members& members) const {
  if (members.clients() != graph->clients()) {
    return Refuse("a set of ", members.clients(), " clients, not of ",
                  graph->clients());
  }
  if (!members.Contains(own.index)) {
    return Refuse("a set without this client");
  }
  const std::uint32_t least =
      std::max(terms.min_survivors, policy.min_survivors);
  if (members.count() < least) {
    return Refuse("only ", members.count(), " clients are left, not ", least);
  }
  const std::uint32_t left = members.CountOf(holders);
  if (left < graph->parameters().threshold) {
    return Refuse("only ", left, " of this client's ", holders.size(),
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
    return Refuse("shares of others than those this client is to hold");
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
      return Refuse("neighbour ", index, ": its key is of low order");
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
    return Refuse("a survivor that never shared its keys");
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
      return Refuse("client ", agreement.client,
                    " is no surviving holder of this one");
    }
    const auto& peer = *known.at(agreement.client).identity;
    if (!peer.Verify(agreed, agreement.signature).ok()) {
      return Refuse("client ", agreement.client,
                    " did not sign these sharers and survivors");
    }
    signers.Insert(agreement.client);
  }
  if (signers.count() < threshold) {
    return Refuse("only ", signers.count(), " holders of this client agree, ",
                  "not ", threshold);
  }

  Unmasking answer;
  for (const auto& [owner, shares] : held) {
    const bool is_survivor = survivors.Contains(owner);
    if (is_survivor && survivors.CountOf(graph->Holders(
                           owner, known.at(owner).choice)) < threshold) {
      return Refuse("too few holders of client ", owner, " are left");
    }
    answer.shares.push_back({owner, is_survivor ? shares.self_mask.Copy()
                                                : shares.mask_key.Copy()});
  }
  if (auto status = answered.Remember(session); !status.ok()) return status;
  End();
  return answer;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

absl::StatusOr<Client> Client::Make(const Terms& terms, const Policy& policy,
                                    Signer& signer, const Authority& authority,
                                    AnsweredSessions& answered) {
  if (auto status = terms.Validate(); !status.ok()) return status;
  if (auto status = policy.Admits(terms); !status.ok()) return status;
  return Client(
      std::make_unique<State>(terms, policy, signer, authority, answered));
}

absl::StatusOr<Advertisement> Client::Advertise() {
  return state_->Checked(state_->Advertise());
}
absl::StatusOr<Opening> Client::Receive(const Roster& roster) {
  return state_->Checked(state_->Take(roster));
}
absl::StatusOr<KeyShares> Client::Receive(
    std::span<const Neighbour> neighbours) {
  return state_->Checked(state_->Take(neighbours));
}
absl::StatusOr<MaskedInput> Client::Receive(const RoutedShares& routed) {
  return state_->Checked(state_->Take(routed));
}
absl::StatusOr<Agreement> Client::Receive(const Survivors& survivors) {
  return state_->Checked(state_->Take(survivors));
}
absl::StatusOr<Unmasking> Client::Receive(
    std::span<const SignedAgreement> agreements) {
  return state_->Checked(state_->Take(agreements));
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
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (input[i] > largest || input[i] < -largest) {
      return absl::InvalidArgumentError(
          absl::StrCat("word ", i, " of the input is beyond ", largest));
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

const Digest& Client::session() const { return state_->session; }

}  // namespace tributary::secagg
