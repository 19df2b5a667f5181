// SPDX-License-Identifier: Apache-2.0
// The client's half of secure aggregation in the wire's messages, for tests of
// the coordinator's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "privacy/secagg/client/client.h"
#include "privacy/secagg/terms.h"
#include "tests/privacy/secagg/cohort.h"
#include "tributary/v1/secagg.pb.h"

namespace tributary::testing {

class SecureClient {
 public:
  SecureClient(std::string name, const secagg::Terms& terms,
               const secagg::Policy& policy = secagg::LenientPolicy());

  v1::SecureClientMessage Advertise();
  // Nothing while pages are still to come. Fails the test if the client's half
  // refuses the message.
  std::optional<v1::SecureClientMessage> Receive(
      const v1::SecureServerMessage& message);
  // After the routed shares.
  std::vector<std::byte> Mask(std::span<const std::int64_t> words);

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  secagg::TestSigner signer_;
  secagg::TestAuthority authority_;
  secagg::MemorySessions answered_;
  std::optional<secagg::Client> client_;
  std::vector<secagg::Neighbour> neighbours_;
  std::uint32_t clients_ = 0;
};

}  // namespace tributary::testing
