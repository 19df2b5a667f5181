// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/secure/secure_client.h"

#include <utility>

#include "tests/catch.h"

namespace tributary::testing {
namespace {

// What a call gave, or the end of the test.
template <typename Value>
Value Taken(absl::StatusOr<Value> result) {
  INFO(result.status().ToString());
  REQUIRE(result.ok());
  return *std::move(result);
}

}  // namespace

SecureClient::SecureClient(const std::string& name, const v1::Task& task)
    : signer_(name),
      task_(Taken(SecureTask::Begin(task, {.policy = secagg::LenientPolicy(),
                                           .signer = signer_,
                                           .authority = authority_,
                                           .answered = answered_}))) {}

std::optional<v1::SecureClientMessage> SecureClient::Receive(
    const v1::SecureServerMessage& message) {
  return Taken(task_->Receive(message));
}

std::vector<std::byte> SecureClient::Mask(std::span<const std::int64_t> words) {
  return Taken(task_->Mask(words));
}

}  // namespace tributary::testing
