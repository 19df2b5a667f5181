// SPDX-License-Identifier: Apache-2.0
// The enrolled identities of virtual clients and the authority that knows them,
// in memory: what certificates are to real ones. Keys and signatures are real
// (Ed25519, RFC 8032); the authority keeps a register instead of signing.
//
//   VirtualIdentities identities;
//   identities.SignerOf("client-0007");    // enrolled when it first needs one
//   identities.Identify(credential);       // as any of its peers asks
//
// SignerOf and AnsweredBy are their owner's thread's alone; Identify is any
// thread's while no client is being enrolled. What they return lives as long as
// this does.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "privacy/secagg/client/answered_sessions.h"
#include "privacy/secagg/identity.h"

namespace tributary::simulation {

class VirtualIdentities final : public secagg::Authority {
 public:
  VirtualIdentities();
  ~VirtualIdentities() override;

  secagg::Signer& SignerOf(const std::string& client);
  // What the client remembers of its secure sessions, for ever.
  secagg::AnsweredSessions& AnsweredBy(const std::string& client);

  absl::StatusOr<std::unique_ptr<secagg::Peer>> Identify(
      std::string_view credential) const override;

 private:
  struct Identity;
  Identity& Enrolled(const std::string& client);

  std::map<std::string, std::unique_ptr<Identity>> register_;  // by name
};

}  // namespace tributary::simulation
