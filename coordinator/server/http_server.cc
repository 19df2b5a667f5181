// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/http_server.h"

#include <sys/socket.h>

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "httplib.h"

namespace tributary::coordinator {

struct HttpServer::State {
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->server.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

int HttpServer::port() const { return state_->port; }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const Address& address, Pages pages) {
  auto state = std::make_unique<State>();
  httplib::Server& server = state->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(1); };
  server.set_keep_alive_max_count(100);
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.set_payload_max_length(0);
  // The library's default shares the port with another process.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.Get("/metrics",
             [metrics = std::move(pages.metrics)](const httplib::Request&,
                                                  httplib::Response& response) {
               response.set_content(metrics(), "text/plain; version=0.0.4");
             });
  server.Get("/healthz",
             [health = std::move(pages.health)](const httplib::Request&,
                                                httplib::Response& response) {
               const absl::Status status = health();
               response.status = status.ok() ? 200 : 503;
               response.set_content(
                   status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n"),
                   "text/plain");
             });
  if (address.port == 0) {
    state->port = server.bind_to_any_port(address.host);
  } else if (server.bind_to_port(address.host, address.port)) {
    state->port = address.port;
  }
  if (state->port <= 0) {
    return absl::UnavailableError(
        absl::StrCat("http_listen: cannot listen on ", address.host, ":",
                     address.port, ": in use, or not of this machine"));
  }
  state->thread = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing to a server that does not run yet: destroyed this early,
  // it would be waited for for ever.
  while (!server.is_running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

}  // namespace tributary::coordinator
