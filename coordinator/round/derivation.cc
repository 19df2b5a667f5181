// SPDX-License-Identifier: Apache-2.0
#include "coordinator/round/derivation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tributary::round {
namespace {

TaskToken FirstBytes(const Key& key) {
  TaskToken token;
  std::copy_n(key.begin(), token.bytes.size(), token.bytes.begin());
  return token;
}

}  // namespace

// The client's name stands last, so no name can imitate another label.
TaskToken TrainToken(const Key& key, int round, int attempt,
                     const ClientId& client) {
  return FirstBytes(DeriveKey(
      key, absl::StrCat("token/", round, "/", attempt, "/", client.name)));
}

TaskToken EvaluateToken(const Key& key, int round, const ClientId& client) {
  return FirstBytes(
      DeriveKey(key, absl::StrCat("evaluate/", round, "/", client.name)));
}

Key RoundSeed(const Key& key, int round) {
  return DeriveKey(key, absl::StrCat("seeds/", round));
}

Key TaskSeed(const Key& round_seed, const ClientId& client) {
  return DeriveKey(round_seed, absl::StrCat("task/", client.name));
}

}  // namespace tributary::round
