// SPDX-License-Identifier: Apache-2.0
// One secure session as the engine's body drives it: privacy/secagg's server
// half in the engine's words and the wire's messages, by clients' names. One
// session for each attempt of a round.
//
//   auto session = SecureSession::Make(terms, authority);
//   session->Receive(client, message); ...       for all steps but kMasking
//   session->AcceptInput(client); ...            for kMasking
//   session->Close();                            when the engine says so
//   for (client : remaining) send(session->MessagesFor(client));
//
// Pure: it keeps no time and sends nothing. A client that misbehaves gets an
// answer and nothing changes. Memory: a few KiB for each pair of neighbours.
// Everything secret in it is erased with it. One thread at a time. The
// authority outlives it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/round/types.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/server/recovery.h"
#include "privacy/secagg/server/server.h"
#include "privacy/secagg/terms.h"
#include "tributary/v1/secagg.pb.h"

namespace tributary::coordinator {

class SecureSession {
 public:
  // InvalidArgument if the terms are not valid.
  static absl::StatusOr<SecureSession> Make(const secagg::Terms& terms,
                                            const secagg::Authority& authority);

  // kNone: the message is taken. kDuplicate: the client has answered this step
  // before, as one that lost its stream may. kTooLate: it has left the session.
  // kBadProtocol: what is wrong is in `detail`, without anything secret.
  struct Answer {
    round::Refusal refusal = round::Refusal::kNone;
    std::string detail;
    // Taken, and the step could be closed without those still to come, and the
    // sum come out. Only in kAgreeing and kUnmasking.
    bool is_enough = false;
  };
  // The advertisement must be of the client's own credential. A masked input's
  // message comes before its packed words, and counts with AcceptInput.
  Answer Receive(const round::ClientId& client,
                 const v1::SecureClientMessage& message);

  // Whether the message of its masked input is here: only then its packed words
  // may come.
  bool HasMaskedInput(const round::ClientId& client) const {
    return inputs_.contains(client);
  }
  // The same, and its words did not count yet.
  bool ExpectsInput(const round::ClientId& client) const;
  // The packed words of a client that ExpectsInput are here, whole and checked,
  // and will be in the sum. False, and nothing changes, for any other.
  [[nodiscard]] bool AcceptInput(const round::ClientId& client);

  struct Closed {
    // Who goes on to the next step; after the last, whoever answered it.
    // Sorted.
    std::vector<round::ClientId> remaining;
  };
  // Over, nothing of it can be released, and every share of it is erased.
  struct Abandoned {
    int count = 0;       // clients left
    std::string kind;    // "too few clients", for a counter
    std::string reason;  // "sharing: 3 clients are left, 8 are needed"
  };
  // Ends the present step. The session is not over yet.
  std::variant<Closed, Abandoned> Close();

  // What the client has to answer now, in order (pages): after each Close, and
  // again when it comes back. Nothing in the first step, where its task says
  // all, and for a client that is not in the session.
  std::vector<v1::SecureServerMessage> MessagesFor(
      const round::ClientId& client) const;

  // After kUnmasking was closed, once: what takes the masks off.
  secagg::Recovery TakeRecovery();

  round::SecureStep step() const { return step_; }
  bool IsOver() const { return is_over_; }
  // Whose keys make the session; known once kAdvertising is closed.
  std::uint32_t clients() const { return server_.clients(); }

 private:
  explicit SecureSession(secagg::Server server) : server_(std::move(server)) {}

  Answer Take(const round::ClientId& client,
              const v1::SecureClientMessage& message);
  std::optional<secagg::Abandoned> CloseStep();
  Abandoned Describe(const secagg::Abandoned& abandoned) const;
  std::set<round::ClientId> NamesOf(const secagg::Members& members) const;

  secagg::Server server_;
  round::SecureStep step_ = round::SecureStep::kAdvertising;
  bool is_over_ = false;
  bool is_enough_ = false;  // the answers to this step
  // Those of this step; while keys are advertised that is open.
  std::set<round::ClientId> remaining_;
  std::set<round::ClientId> answered_;
  // Of kMasking: whose words are on their way, or here.
  std::map<round::ClientId, secagg::MaskedInput> inputs_;
  std::optional<secagg::Recovery> recovery_;
};

}  // namespace tributary::coordinator
