// SPDX-License-Identifier: Apache-2.0
// The coordinator's network edge: Federation, Admin and HTTP over one
// Coordinator.
//
// Lifetime: the coordinator outlives the server, and after Shutdown nothing
// calls it any more.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"
#include "coordinator/server/server_options.h"

namespace tributary::coordinator {

class Server {
 public:
  // Checks the files, opens the ports and serves. Errors name the key of the
  // configuration: an address in use, a missing or unfit PEM file.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options, Coordinator& coordinator);
  virtual ~Server() = default;

  // As they were bound: host:port with the real port; "off" for no HTTP.
  virtual std::string federation_address() const = 0;
  virtual std::string admin_address() const = 0;
  virtual std::string http_address() const = 0;
  // Open Join streams.
  virtual std::size_t connections() const = 0;

  // New streams are refused from now on; those open go on.
  virtual void RefuseNewStreams() = 0;
  // Closes every stream with UNAVAILABLE and stops. Idempotent.
  virtual void Shutdown() = 0;
};

}  // namespace tributary::coordinator
