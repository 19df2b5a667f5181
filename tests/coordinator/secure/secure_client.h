// SPDX-License-Identifier: Apache-2.0
// An enrolled client with its part of a secure session, as the SDK plays it:
// for tests of the coordinator's part.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/core/secure_task.h"
#include "tests/privacy/secagg/cohort.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::testing {

class SecureClient {
 public:
  // Fails the test if the client refuses the task.
  SecureClient(const std::string& name, const v1::Task& task);

  const v1::SecureClientMessage& advertisement() const {
    return task_->advertisement();
  }
  // Nothing while pages are still to come. What comes again is answered as
  // before. Fails the test if the client refuses the message.
  std::optional<v1::SecureClientMessage> Receive(
      const v1::SecureServerMessage& message);
  // Once, after the routed shares.
  std::vector<std::byte> Mask(std::span<const std::int64_t> words);

 private:
  secagg::TestSigner signer_;
  secagg::TestAuthority authority_;
  secagg::MemorySessions answered_;
  std::unique_ptr<SecureTask> task_;
};

}  // namespace tributary::testing
