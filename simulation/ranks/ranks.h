// SPDX-License-Identifier: Apache-2.0
// The processes that make one simulation together, seen from one of them.
//
// Every rank drives the whole virtual world; what they exchange is what the
// others cannot know without training themselves. Each method is collective: it
// returns once all ranks have called it, in the same order.
//
// One thread. After an error no method but Leave is called.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::simulation {

class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;

  // What every rank gave, by rank. Unavailable, naming who is missing, if that
  // can be told, once one of them is gone or does not answer in time.
  virtual absl::StatusOr<std::vector<std::string>> Gather(
      const std::string& own) = 0;
  // Each value becomes its sum over all ranks, which give equally many. Errors
  // as above.
  virtual absl::Status Sum(std::span<std::int64_t> values) = 0;

  // Not collective: lets the others know why this rank ends early.
  virtual void Leave(const absl::Status& why) = 0;
};

// A simulation in one process.
class OneRank final : public Ranks {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  absl::StatusOr<std::vector<std::string>> Gather(
      const std::string& own) override {
    return std::vector<std::string>{own};
  }
  absl::Status Sum(std::span<std::int64_t>) override {
    return absl::OkStatus();
  }
  void Leave(const absl::Status&) override {}
};

}  // namespace tributary::simulation
