// SPDX-License-Identifier: Apache-2.0
#include "client/core/client_state.h"

#include <cstdint>
#include <string>

#include "privacy/crypto/digest.h"

#include "tests/catch.h"

namespace tributary {
namespace {

const ClientState kFull{.residual = {1, -2, 0.5F},
                        .control = {4},
                        .local = {5, 6},
                        .places = {{1, 2}, {7, 8}},
                        .momentum = {9, 10},
                        .momentum_round = 11};

TEST_CASE("a client state is the same after it was serialised") {
  for (const ClientState& state :
       {kFull, ClientState{}, ClientState{.control = {1, 2}},
        ClientState{.local = {3}},
        ClientState{.momentum = {4}, .momentum_round = 2}}) {
    const auto again = ParseClientState(Serialise(state));
    REQUIRE(again.ok());
    CHECK(*again == state);
    CHECK(again->IsEmpty() == (state == ClientState{}));
  }
}

TEST_CASE("a state of a client without momentum is read") {
  std::string rest = "TRIBCST1";
  const auto append = [&rest](const auto& value) {
    rest.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  append(std::uint64_t{0});  // residual
  append(std::uint64_t{1});  // control
  append(2.5F);
  append(std::uint64_t{0});  // local
  append(std::uint64_t{1});  // places
  append(std::uint64_t{3});
  append(std::uint64_t{4});
  const auto read =
      ParseClientState(std::string(Sha256(rest).AsBytes()) + rest);
  REQUIRE(read.ok());
  CHECK(*read == ClientState{.control = {2.5F}, .places = {{3, 4}}});
}

TEST_CASE("every damaged byte of a client state is seen") {
  const std::string bytes = Serialise(kFull);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    CHECK(absl::IsDataLoss(ParseClientState(damaged).status()));
  }
}

TEST_CASE("a client state that is cut short or goes on is none") {
  const std::string bytes = Serialise(kFull);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(ParseClientState(bytes.substr(0, size)).ok());
  }
  CHECK_FALSE(ParseClientState(bytes + '\0').ok());
}

}  // namespace
}  // namespace tributary
