// SPDX-License-Identifier: Apache-2.0
// The server's half of one secure session: it collects each step's messages,
// passes on what clients need of each other, and in the end takes the masks off
// the sum, or nothing. docs/secagg.md has the steps.
//
//   auto server = Server::Make(terms, authority);
//   server->Accept(advertisement); ...   server->CloseAdvertising();
//   send(server->RosterFor(i)); ...
//
// Pure: messages in, messages out; when a step is closed is its owner's
// business (all have answered, a deadline). A client that misbehaves is refused
// with a reason and nothing changes; one that misses a step has left the
// session. Each Close either goes on to the next step or abandons the session
// for good: then every share is erased. Calls for a step that is not now abort:
// they are our own mistake; messages for it are refused.
//
// Masked inputs themselves never come here: their packed words go from the
// spool into a MaskedSum. One thread at a time. The authority outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/messages.h"
#include "privacy/secagg/server/recovery.h"
#include "privacy/secagg/server/refusal.h"
#include "privacy/secagg/terms.h"

namespace tributary::secagg {

class Server {
 public:
  // InvalidArgument if the terms are not valid.
  static absl::StatusOr<Server> Make(const Terms& terms,
                                     const Authority& authority);
  ~Server();
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  // Step 1. Clients are known by their names until their keys are fixed.
  Refusal Accept(const Advertisement& advertisement);
  // From a connection that is known to be this client's.
  Refusal Accept(std::string_view sender, const Advertisement& advertisement);
  std::optional<Abandoned> CloseAdvertising();

  // From here on by their indices: those of their names in order.
  std::uint32_t clients() const;
  const std::string& NameOf(Index client) const;
  // The index of the client of this name, if its advertisement was taken.
  std::optional<Index> IndexOf(const std::string& name) const;
  const GraphParameters& graph() const;
  const Digest& session() const;

  // Step 2.
  Roster RosterFor(Index client) const;
  Refusal Accept(Index client, const Opening& opening);
  std::optional<Abandoned> CloseOpening();

  // Step 3, for clients that have opened their choice.
  std::vector<Neighbour> NeighboursOf(Index client) const;
  Refusal Accept(Index client, const KeyShares& shares);
  std::optional<Abandoned> CloseSharing();

  // Step 4, for clients that have shared.
  const Members& sharers() const;
  RoutedShares SharesFor(Index client) const;
  // What Accept would say of it; for one that comes before its packed words.
  Refusal Check(Index client, const MaskedInput& input) const;
  // Once the client's packed words are there, whole and IsPacked.
  Refusal Accept(Index client, const MaskedInput& input);
  std::optional<Abandoned> CloseMasking();

  // Step 5, for clients whose input is there. Inputs that come later are never
  // added.
  Survivors AgreeOn() const;
  Refusal Accept(Index client, const Agreement& agreement);
  std::optional<Abandoned> CloseAgreeing();

  // Step 6, for these clients: those that have enough agreements to answer.
  const Members& answerers() const;
  std::vector<SignedAgreement> AgreementsFor(Index client) const;
  Refusal Accept(Index client, const Unmasking& unmasking);
  std::variant<Recovery, Abandoned> CloseUnmasking();

  // In step 5 or 6: it may be closed now, and the sum comes out. In step 5 that
  // takes answers of all who agreed by then.
  bool IsComplete() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tributary::secagg
