// SPDX-License-Identifier: Apache-2.0
// An aggregator's side of the line to its parent: the session of any client
// (client/core/session.h), whose work is done by the aggregator's own leaves.
// Models go into the coordinator's store as they come, tasks begin or go on
// there, sums go up from their files. docs/hierarchy.md.
//
// Threads: one of its own; what it waits for is the coordinator's disk.
// Lifetime: the coordinator and the link's process outlive it. The destructor
// leaves the parent without a word; a task in hand stands, and the next process
// goes on with it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/core/link.h"
#include "coordinator/runner/coordinator.h"
#include "tributary/client.h"

namespace tributary::coordinator {

struct UpstreamOptions {
  // host:port of the parent, then of those to go to while it is away.
  std::vector<std::string> addresses;
  std::string population;
  // PEM files, unless it is plaintext on loopback; then `name` says who this
  // is.
  Credentials credentials = {};
  std::string name = {};
  // What it keeps: made if missing.
  std::filesystem::path folder;
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{60'000};
  // Without a connection before it goes to the next address.
  std::chrono::milliseconds patience{30'000};
  std::function<void(const LogEvent&)> log;
};

class Upstream {
 public:
  // Begins at once. Fails if the folder cannot be used.
  static absl::StatusOr<std::unique_ptr<Upstream>> Start(
      const UpstreamOptions& options, std::unique_ptr<Link> link,
      Coordinator& coordinator);
  virtual ~Upstream() = default;
};

}  // namespace tributary::coordinator
