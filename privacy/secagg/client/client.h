// SPDX-License-Identifier: Apache-2.0
// The client's half of one secure session. It sends its input under masks that
// vanish in the sum alone, and answers once what is needed to take them off.
// Bonawitz et al. 2017 on the graph of Bell et al. 2020; docs/secagg.md has the
// steps and what each check is against.
//
//   auto client = Client::Make(terms, policy, signer, authority, answered);
//   send(client->Advertise()); ...
//
// Pure: messages in, messages out. It trusts nothing that comes in: a message
// that breaks the protocol is refused with FailedPrecondition and the reason,
// and so is one that comes at another time than its own; the session is over
// then, and every secret of it erased. One thread at a time. What is passed to
// Make outlives it. Never to be copied to disk: see AnsweredSessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/secagg/client/answered_sessions.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/terms.h"

namespace tributary::secagg {

class Client {
 public:
  // `terms` are the client's own: the model it loaded, the plan it was given.
  // FailedPrecondition if the policy does not admit them.
  static absl::StatusOr<Client> Make(const Terms& terms, const Policy& policy,
                                     Signer& signer, const Authority& authority,
                                     AnsweredSessions& answered);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Step 1. Fresh keys, signed with the enrolled key.
  absl::StatusOr<Advertisement> Advertise();

  // Step 2. The keys of all are fixed by the root: checks that its own are
  // among them and that the cohort and its graph suffice, and opens its choice
  // of holders.
  absl::StatusOr<Opening> Receive(const Roster& roster);

  // Step 3. All pages of neighbours together, in any order. Checks that they
  // are enrolled, all different, in the tree, the right ones, and signed the
  // same terms; gives each holder its sealed shares.
  absl::StatusOr<KeyShares> Receive(std::span<const Neighbour> neighbours);

  // Step 4. The shares it is to hold. What does not open is reported, not
  // refused: one corrupt peer ends no session.
  absl::StatusOr<MaskedInput> Receive(const RoutedShares& routed);

  // The input under its masks, packed: PackedSize(length, word_bits) bytes.
  // Once, after step 4. InvalidArgument, and nothing is lost, if the length is
  // not the terms' or a value is beyond Terms::LargestInput.
  absl::StatusOr<std::vector<std::byte>> MaskInput(
      std::span<const std::int64_t> input);

  // Step 5. Signs whose inputs are added up, itself among them.
  absl::StatusOr<Agreement> Receive(const Survivors& survivors);

  // Step 6. Once enough of its holders have signed the same: for each client it
  // holds shares of, that of the self mask or that of the mask key, never both.
  absl::StatusOr<Unmasking> Receive(
      std::span<const SignedAgreement> agreements);

  // Known from step 2 on.
  const Digest& session() const;

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tributary::secagg
