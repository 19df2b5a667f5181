// SPDX-License-Identifier: Apache-2.0
// The task whose update was acknowledged last. A client gives one update for a
// task, through whomever it comes: an aggregator that has lost its disk, or
// another one, asks for the same under a token of its own (docs/hierarchy.md).
//
// A value; pure.
#pragma once

#include <string>

#include "privacy/crypto/digest.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::session {

// SHA-256 of its run, round, attempt and seed. The seed is the run's own, so
// that another run of the same name is told apart.
Digest NameOf(const v1::Task& task);

struct CountedTask {
  Digest name;
  std::string token;  // 16 bytes, under which it was acknowledged
  friend bool operator==(const CountedTask&, const CountedTask&) = default;
};

}  // namespace tributary::session
