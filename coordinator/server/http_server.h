// SPDX-License-Identifier: Apache-2.0
// The HTTP page of an operator's monitoring: /metrics (Prometheus text) and
// /healthz (200 "ok", or 503 and why). Two threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/server/server_options.h"

namespace tributary::coordinator {

class HttpServer {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<absl::Status()> health;
  };
  // Listens and serves. Fails if the address is taken.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      const Address& address, Pages pages);
  ~HttpServer();

  int port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tributary::coordinator
