// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/secagg.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"

namespace tributary::codec {
namespace {

// Neighbours with the largest credentials and signatures fit into 1 MiB.
constexpr std::size_t kPage = 180;

std::string Text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The first size that is wrong, of the fields of one message.
class Sizes {
 public:
  template <std::size_t size>
  void Read(const char* field, const std::string& bytes,
            std::span<std::uint8_t, size> out) {
    if (bytes.size() != size) {
      if (!status_.ok()) return;
      status_ = absl::InvalidArgumentError(
          absl::StrCat(field, ": ", bytes.size(), " bytes, not ", size));
      return;
    }
    std::memcpy(out.data(), bytes.data(), size);
  }
  template <std::size_t size>
  void Read(const char* field, const std::string& bytes,
            std::array<std::uint8_t, size>& out) {
    Read(field, bytes, std::span<std::uint8_t, size>(out));
  }
  void Read(const char* field, const std::string& bytes, Digest& out) {
    Read(field, bytes, out.bytes);
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

template <typename Repeated>
void ReadProof(const Repeated& from, Sizes& sizes, std::vector<Digest>& proof) {
  for (const std::string& hash : from) {
    sizes.Read("proof", hash, proof.emplace_back());
  }
}

absl::StatusOr<secagg::SealedShares> ToSealed(
    const v1::SecureSealedShares& message) {
  secagg::SealedShares sealed{.peer = message.peer()};
  Sizes sizes;
  sizes.Read("sealed", message.sealed(), sealed.sealed);
  sizes.Read("mask_key_commitment", message.mask_key_commitment(),
             sealed.mask_key);
  sizes.Read("self_mask_commitment", message.self_mask_commitment(),
             sealed.self_mask);
  if (!sizes.status().ok()) return sizes.status();
  return sealed;
}

void Write(const secagg::SealedShares& sealed, v1::SecureSealedShares& out) {
  out.set_peer(sealed.peer);
  out.set_sealed(Text(sealed.sealed));
  out.set_mask_key_commitment(Text(sealed.mask_key));
  out.set_self_mask_commitment(Text(sealed.self_mask));
}

template <typename Repeated>
absl::Status ReadAllSealed(const Repeated& from,
                           std::vector<secagg::SealedShares>& to) {
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& each : from) {
    auto sealed = ToSealed(each);
    if (!sealed.ok()) return sealed.status();
    to.push_back(*std::move(sealed));
  }
  return absl::OkStatus();
}

absl::StatusOr<secagg::Members> ToMembers(const char* field,
                                          const std::string& bytes,
                                          std::uint32_t clients) {
  auto members = secagg::Members::FromBytes(clients, bytes);
  if (members.ok()) return members;
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", std::string(members.status().message())));
}

}  // namespace

v1::SecureTerms ToMessage(const secagg::Terms& terms) {
  v1::SecureTerms message;
  message.set_length(terms.length);
  message.set_word_bits(static_cast<std::uint32_t>(terms.word_bits));
  message.set_cipher(terms.cipher == secagg::StreamCipher::kAes256Ctr
                         ? v1::SecureTerms::AES_256_CTR
                         : v1::SecureTerms::CHACHA20);
  message.set_min_cohort(terms.min_cohort);
  message.set_min_survivors(terms.min_survivors);
  message.set_max_cohort(terms.max_cohort);
  message.set_corrupt_per_mille(terms.corrupt_per_mille);
  message.set_dropped_per_mille(terms.dropped_per_mille);
  message.set_adversary(terms.adversary == secagg::Adversary::kSemiHonest
                            ? v1::SecureTerms::SEMI_HONEST
                            : v1::SecureTerms::SEMI_MALICIOUS);
  return message;
}

absl::Status ReadTerms(const v1::SecureTerms& message, secagg::Terms& terms) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  terms.length = message.length();
  terms.word_bits = static_cast<int>(message.word_bits());
  switch (message.cipher()) {
    case v1::SecureTerms::AES_256_CTR:
      terms.cipher = secagg::StreamCipher::kAes256Ctr;
      break;
    case v1::SecureTerms::CHACHA20:
      terms.cipher = secagg::StreamCipher::kChaCha20;
      break;
    default:
      return absl::InvalidArgumentError("cipher: needs a value");
  }
  terms.min_cohort = message.min_cohort();
  terms.min_survivors = message.min_survivors();
  terms.max_cohort = message.max_cohort();
  terms.corrupt_per_mille = message.corrupt_per_mille();
  terms.dropped_per_mille = message.dropped_per_mille();
  switch (message.adversary()) {
    case v1::SecureTerms::SEMI_HONEST:
      terms.adversary = secagg::Adversary::kSemiHonest;
      break;
    case v1::SecureTerms::SEMI_MALICIOUS:
      terms.adversary = secagg::Adversary::kSemiMalicious;
      break;
    default:
      return absl::InvalidArgumentError("adversary: needs a value");
  }
  return terms.Validate();
}

v1::SecureAdvertisement ToMessage(const secagg::Advertisement& advertisement) {
  v1::SecureAdvertisement message;
  message.set_mask_key(Text(advertisement.mask_key));
  message.set_channel_key(Text(advertisement.channel_key));
  message.set_choice(Text(advertisement.choice.bytes));
  message.set_credential(advertisement.credential);
  message.set_signature(advertisement.signature);
  return message;
}

absl::StatusOr<secagg::Advertisement> ToAdvertisement(
    const v1::SecureAdvertisement& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  secagg::Advertisement advertisement;
  Sizes sizes;
  sizes.Read("mask_key", message.mask_key(), advertisement.mask_key);
  sizes.Read("channel_key", message.channel_key(), advertisement.channel_key);
  sizes.Read("choice", message.choice(), advertisement.choice);
  if (!sizes.status().ok()) return sizes.status();
  advertisement.credential = message.credential();
  advertisement.signature = message.signature();
  return advertisement;
}

v1::SecureRoster ToMessage(const secagg::Roster& roster) {
  v1::SecureRoster message;
  message.set_root(Text(roster.root.bytes));
  message.set_clients(roster.clients);
  message.set_index(roster.index);
  for (const Digest& hash : roster.proof) message.add_proof(Text(hash.bytes));
  return message;
}

absl::StatusOr<secagg::Roster> ToRoster(const v1::SecureRoster& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  secagg::Roster roster{.root = {},
                        .clients = message.clients(),
                        .index = message.index(),
                        .proof = {}};
  Sizes sizes;
  sizes.Read("root", message.root(), roster.root);
  ReadProof(message.proof(), sizes, roster.proof);
  if (!sizes.status().ok()) return sizes.status();
  return roster;
}

v1::SecureOpening ToMessage(const secagg::Opening& opening) {
  v1::SecureOpening message;
  message.set_choice(Text(opening.choice));
  return message;
}

absl::StatusOr<secagg::Opening> ToOpening(const v1::SecureOpening& message) {
  secagg::Opening opening;
  Sizes sizes;
  sizes.Read("choice", message.choice(), opening.choice);
  if (!sizes.status().ok()) return sizes.status();
  return opening;
}

std::vector<v1::SecureNeighbours> ToPages(
    std::span<const secagg::Neighbour> neighbours) {
  std::vector<v1::SecureNeighbours> pages;
  do {
    v1::SecureNeighbours& page = pages.emplace_back();
    const auto some = neighbours.first(std::min(kPage, neighbours.size()));
    for (const secagg::Neighbour& neighbour : some) {
      v1::SecureNeighbour& message = *page.add_neighbours();
      message.set_index(neighbour.index);
      *message.mutable_advertisement() = ToMessage(neighbour.advertisement);
      for (const Digest& hash : neighbour.proof) {
        message.add_proof(Text(hash.bytes));
      }
      if (neighbour.choice.has_value()) {
        message.set_choice(Text(*neighbour.choice));
      }
    }
    neighbours = neighbours.subspan(some.size());
    page.set_is_last(neighbours.empty());
  } while (!neighbours.empty());
  return pages;
}

absl::Status ReadPage(const v1::SecureNeighbours& message,
                      std::vector<secagg::Neighbour>& neighbours) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  for (const v1::SecureNeighbour& from : message.neighbours()) {
    secagg::Neighbour neighbour{.index = from.index(),
                                .advertisement = {},
                                .proof = {},
                                .choice = std::nullopt};
    auto advertisement = ToAdvertisement(from.advertisement());
    if (!advertisement.ok()) return advertisement.status();
    neighbour.advertisement = *std::move(advertisement);
    Sizes sizes;
    ReadProof(from.proof(), sizes, neighbour.proof);
    if (!from.choice().empty()) {
      sizes.Read("choice", from.choice(), neighbour.choice.emplace());
    }
    if (!sizes.status().ok()) return sizes.status();
    neighbours.push_back(std::move(neighbour));
  }
  return absl::OkStatus();
}

v1::SecureKeyShares ToMessage(const secagg::KeyShares& shares) {
  v1::SecureKeyShares message;
  message.set_self_mask(Text(shares.self_mask.bytes));
  for (const secagg::SealedShares& sealed : shares.shares) {
    Write(sealed, *message.add_shares());
  }
  return message;
}

absl::StatusOr<secagg::KeyShares> ToKeyShares(
    const v1::SecureKeyShares& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  secagg::KeyShares shares;
  Sizes sizes;
  sizes.Read("self_mask", message.self_mask(), shares.self_mask);
  if (!sizes.status().ok()) return sizes.status();
  if (auto status = ReadAllSealed(message.shares(), shares.shares);
      !status.ok()) {
    return status;
  }
  return shares;
}

v1::SecureRoutedShares ToMessage(const secagg::RoutedShares& routed) {
  v1::SecureRoutedShares message;
  message.set_sharers(routed.sharers.bytes());
  for (const secagg::SealedShares& sealed : routed.shares) {
    Write(sealed, *message.add_shares());
  }
  return message;
}

absl::StatusOr<secagg::RoutedShares> ToRoutedShares(
    const v1::SecureRoutedShares& message, std::uint32_t clients) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  auto sharers = ToMembers("sharers", message.sharers(), clients);
  if (!sharers.ok()) return sharers.status();
  secagg::RoutedShares routed{*std::move(sharers), {}};
  if (auto status = ReadAllSealed(message.shares(), routed.shares);
      !status.ok()) {
    return status;
  }
  return routed;
}

v1::SecureMaskedInput ToMessage(const secagg::MaskedInput& input) {
  v1::SecureMaskedInput message;
  for (const secagg::Index owner : input.unreadable) {
    message.add_unreadable(owner);
  }
  return message;
}

absl::StatusOr<secagg::MaskedInput> ToMaskedInput(
    const v1::SecureMaskedInput& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  return secagg::MaskedInput{
      {message.unreadable().begin(), message.unreadable().end()}};
}

v1::SecureSurvivors ToMessage(const secagg::Survivors& survivors) {
  v1::SecureSurvivors message;
  message.set_survivors(survivors.members.bytes());
  return message;
}

absl::StatusOr<secagg::Survivors> ToSurvivors(
    const v1::SecureSurvivors& message, std::uint32_t clients) {
  auto members = ToMembers("survivors", message.survivors(), clients);
  if (!members.ok()) return members.status();
  return secagg::Survivors{*std::move(members)};
}

v1::SecureAgreement ToMessage(const secagg::Agreement& agreement) {
  v1::SecureAgreement message;
  message.set_signature(agreement.signature);
  return message;
}

absl::StatusOr<secagg::Agreement> ToAgreement(
    const v1::SecureAgreement& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  return secagg::Agreement{message.signature()};
}

v1::SecureAgreements ToMessage(
    std::span<const secagg::SignedAgreement> agreements) {
  v1::SecureAgreements message;
  for (const secagg::SignedAgreement& each : agreements) {
    v1::SecureSignedAgreement& agreement = *message.add_agreements();
    agreement.set_client(each.client);
    agreement.set_signature(each.signature);
  }
  return message;
}

absl::StatusOr<std::vector<secagg::SignedAgreement>> ToAgreements(
    const v1::SecureAgreements& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  std::vector<secagg::SignedAgreement> agreements;
  for (const v1::SecureSignedAgreement& each : message.agreements()) {
    agreements.push_back({each.client(), each.signature()});
  }
  return agreements;
}

v1::SecureUnmasking ToMessage(const secagg::Unmasking& unmasking) {
  v1::SecureUnmasking message;
  for (const secagg::RevealedShare& revealed : unmasking.shares) {
    v1::SecureRevealedShare& share = *message.add_shares();
    share.set_owner(revealed.owner);
    share.set_share(Text(revealed.share.bytes()));
  }
  return message;
}

absl::StatusOr<secagg::Unmasking> ToUnmasking(
    const v1::SecureUnmasking& message) {
  if (auto status = CheckLimits(message); !status.ok()) return status;
  secagg::Unmasking unmasking;
  for (const v1::SecureRevealedShare& each : message.shares()) {
    secagg::RevealedShare& revealed = unmasking.shares.emplace_back();
    revealed.owner = each.owner();
    Sizes sizes;
    sizes.Read("share", each.share(), revealed.share.bytes());
    if (!sizes.status().ok()) return sizes.status();
  }
  return unmasking;
}

void EraseShares(v1::SecureClientMessage& message) {
  if (!message.has_unmasking()) return;
  for (v1::SecureRevealedShare& each :
       *message.mutable_unmasking()->mutable_shares()) {
    secagg::Erase(std::as_writable_bytes(std::span(*each.mutable_share())));
  }
}

}  // namespace tributary::codec
