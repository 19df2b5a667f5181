// SPDX-License-Identifier: Apache-2.0
// The tributary-coordinator program without its command line: open the state,
// serve until a signal comes, drain.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/server/server_options.h"
#include "coordinator/upstream/upstream.h"

namespace tributary::coordinator {

struct Program {
  Options coordinator;
  ServerOptions server;
  // Of an aggregator.
  std::optional<UpstreamOptions> parent;
  std::string log_level;
  // Longest wait for uploads in flight at the end.
  std::chrono::milliseconds drain{20'000};
};

// Reads and checks the configuration and the files it names.
absl::StatusOr<Program> ReadProgram(const std::filesystem::path& config);

// Serves until SIGTERM or SIGINT, then drains; a second signal ends the process
// at once. Call it from the main thread before any other thread is started.
absl::Status Run(const Program& program);

}  // namespace tributary::coordinator
