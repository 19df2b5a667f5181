// SPDX-License-Identifier: Apache-2.0
// A task's secure session on the client: messages of the wire in, messages of
// the wire out, around the client's half of secure aggregation.
//
//   auto task = SecureTask::Begin(offered, {policy, *signer, *authority,
//   kept}); send((*task)->advertisement()); auto answer =
//   (*task)->Receive(message);    // often: send it, if any auto packed =
//   (*task)->Mask(words);         // once the shares are there
//
// What came already and comes again, byte for byte, because a stream was lost
// in between, is answered as before. Everything else that is not the next
// message is refused with FailedPrecondition or InvalidArgument and the reason;
// the session is over then. No reason says anything of a key, a share or the
// input. Its secrets live in memory alone and are erased with it.
//
// Pure but for `answered`; one thread at a time. What the setting refers to
// outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/core/update.h"
#include "privacy/crypto/digest.h"
#include "privacy/secagg/client/answered_sessions.h"
#include "privacy/secagg/client/client.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/terms.h"
#include "tributary/v1/federation.pb.h"

namespace tributary {

// What a client takes part in secure sessions with.
struct SecureSetting {
  secagg::Policy policy;
  secagg::Signer& signer;
  const secagg::Authority& authority;
  secagg::AnsweredSessions& answered;
};

class SecureTask {
 public:
  // `task` has `secure`, and its model is the one that this client has, by its
  // SHA-256. FailedPrecondition, with both values, if a floor of the policy is
  // not met; Unauthenticated if the authority does not vouch for the signer.
  static absl::StatusOr<std::unique_ptr<SecureTask>> Begin(
      const v1::Task& task, const SecureSetting& setting);
  ~SecureTask();

  // To be sent first; and again to whom it may not have reached.
  const v1::SecureClientMessage& advertisement() const {
    return advertisement_;
  }

  // The answer, if the message has one: a page that is not the last has none.
  // That to the shares, a masked_input, goes up with the update alone.
  absl::StatusOr<std::optional<v1::SecureClientMessage>> Receive(
      const v1::SecureServerMessage& message);

  // The words under their masks, packed. Once, after masked_input was
  // answered. InvalidArgument if their number, or one of them, is not what the
  // terms allow.
  absl::StatusOr<std::vector<std::byte>> Mask(
      std::span<const std::int64_t> words);

 private:
  SecureTask(secagg::Client client, std::string token)
      : client_(std::move(client)), token_(std::move(token)) {}

  // Adds a page to those that came. True if it was the last.
  absl::StatusOr<bool> Collect(const v1::SecureNeighbours& page);
  // Takes the message that is due now; `neighbours` are those of its pages.
  absl::StatusOr<v1::SecureClientMessage> Next(
      const v1::SecureServerMessage& message,
      std::span<const secagg::Neighbour> neighbours);
  v1::SecureClientMessage NewMessage() const;

  secagg::Client client_;
  const std::string token_;
  v1::SecureClientMessage advertisement_;
  std::uint32_t clients_ = 0;  // in the session; from the roster
  // Of the pages that came in a row, and what these were.
  std::vector<secagg::Neighbour> neighbours_;
  Digest pages_;
  // What was answered last, and with what.
  std::optional<Digest> answered_;
  v1::SecureClientMessage answer_;
};

// The update with its words under the task's masks: their bytes, with the
// checksum, instead of them. Errors are those of Mask.
absl::StatusOr<PreparedUpdate> MaskedUpdate(const PreparedUpdate& update,
                                            SecureTask& task);

}  // namespace tributary
