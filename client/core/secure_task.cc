// SPDX-License-Identifier: Apache-2.0
#include "client/core/secure_task.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/integers.h"
#include "proto/codec/secagg.h"

namespace tributary {
namespace {

using Kind = v1::SecureServerMessage;

// Holders, and those whose shares one message can bring.
constexpr std::size_t kMostNeighbours = secagg::kMaxDegree + 6000;

}  // namespace

absl::StatusOr<std::unique_ptr<SecureTask>> SecureTask::Begin(
    const v1::Task& task, const SecureSetting& setting) {
  const auto terms = codec::TermsOf(task);
  if (!terms.ok()) return terms.status();
  auto client = secagg::Client::Make(*terms, setting.policy, setting.signer,
                                     setting.authority, setting.answered);
  if (!client.ok()) return client.status();
  std::unique_ptr<SecureTask> begun(
      new SecureTask(*std::move(client), task.task_token()));
  const auto advertisement = begun->client_.Advertise();
  if (!advertisement.ok()) return advertisement.status();
  begun->advertisement_ = begun->NewMessage();
  *begun->advertisement_.mutable_advertisement() =
      codec::ToMessage(*advertisement);
  return begun;
}

// Its last answer was kept to be given again.
SecureTask::~SecureTask() { codec::EraseShares(answer_); }

v1::SecureClientMessage SecureTask::NewMessage() const {
  v1::SecureClientMessage message;
  message.set_task_token(token_);
  return message;
}

absl::StatusOr<bool> SecureTask::Collect(const v1::SecureNeighbours& page) {
  // Neighbours ascend over all pages: one that does not go on with them is the
  // first of those that are sent again.
  if (page.neighbours_size() > 0 && !neighbours_.empty() &&
      page.neighbours(0).index() <= neighbours_.back().index) {
    neighbours_.clear();
    pages_ = Digest();
  }
  if (auto status = codec::ReadPage(page, neighbours_); !status.ok()) {
    return status;
  }
  if (neighbours_.size() > kMostNeighbours) {
    return absl::FailedPreconditionError(
        absl::StrCat("more than ", kMostNeighbours, " neighbours"));
  }
  pages_ = Sha256(std::string(pages_.AsBytes()) + page.SerializeAsString());
  return page.is_last();
}

absl::StatusOr<std::optional<v1::SecureClientMessage>> SecureTask::Receive(
    const v1::SecureServerMessage& message) {
  Digest received;
  if (message.has_neighbours()) {
    const absl::StatusOr<bool> complete = Collect(message.neighbours());
    if (!complete.ok()) return complete.status();
    if (!*complete) return std::nullopt;
    received = std::exchange(pages_, Digest());
  } else {
    received = Sha256(message.SerializeAsString());
  }
  const std::vector<secagg::Neighbour> neighbours =
      std::exchange(neighbours_, {});
  if (answered_ == received) return answer_;
  auto answer = Next(message, neighbours);
  if (!answer.ok()) return answer.status();
  answered_ = received;
  answer_ = *std::move(answer);
  return answer_;
}

absl::StatusOr<v1::SecureClientMessage> SecureTask::Next(
    const v1::SecureServerMessage& message,
    std::span<const secagg::Neighbour> neighbours) {
  v1::SecureClientMessage out = NewMessage();
  switch (message.kind_case()) {
    case Kind::kRoster: {
      const auto roster = codec::ToRoster(message.roster());
      if (!roster.ok()) return roster.status();
      const auto opening = client_.Receive(*roster);
      if (!opening.ok()) return opening.status();
      clients_ = roster->clients;
      *out.mutable_opening() = codec::ToMessage(*opening);
      return out;
    }
    case Kind::kNeighbours: {
      const auto shares = client_.Receive(neighbours);
      if (!shares.ok()) return shares.status();
      *out.mutable_key_shares() = codec::ToMessage(*shares);
      return out;
    }
    case Kind::kRoutedShares: {
      const auto routed =
          codec::ToRoutedShares(message.routed_shares(), clients_);
      if (!routed.ok()) return routed.status();
      const auto input = client_.Receive(*routed);
      if (!input.ok()) return input.status();
      *out.mutable_masked_input() = codec::ToMessage(*input);
      return out;
    }
    case Kind::kSurvivors: {
      const auto survivors = codec::ToSurvivors(message.survivors(), clients_);
      if (!survivors.ok()) return survivors.status();
      const auto agreement = client_.Receive(*survivors);
      if (!agreement.ok()) return agreement.status();
      *out.mutable_agreement() = codec::ToMessage(*agreement);
      return out;
    }
    case Kind::kAgreements: {
      const auto agreements = codec::ToAgreements(message.agreements());
      if (!agreements.ok()) return agreements.status();
      const auto unmasking = client_.Receive(*agreements);
      if (!unmasking.ok()) return unmasking.status();
      *out.mutable_unmasking() = codec::ToMessage(*unmasking);
      return out;
    }
    case Kind::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a secure message of an unknown kind");
}

absl::StatusOr<std::vector<std::byte>> SecureTask::Mask(
    std::span<const std::int64_t> words) {
  return client_.MaskInput(words);
}

absl::StatusOr<PreparedUpdate> MaskedUpdate(const PreparedUpdate& update,
                                            SecureTask& task) {
  absl::StatusOr<std::vector<std::byte>> packed =
      task.Mask(update.words->get());
  if (!packed.ok()) return packed.status();
  PreparedUpdate masked = update;
  masked.words.reset();
  masked.bytes = std::make_shared<const UpdateBytes>(*std::move(packed));
  masked.header.set_checksum(Checksum(*masked.bytes));
  return masked;
}

}  // namespace tributary
