// SPDX-License-Identifier: Apache-2.0
// How the network edge is set up: addresses, TLS, limits. Made from the
// configuration file; a test fills it by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary::coordinator {

// PEM files; read again when they change.
struct TlsFiles {
  std::filesystem::path authority;
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path crl;  // empty: nobody is revoked
};

struct ServerOptions {
  // host:port; port 0 lets the system choose.
  std::string listen = "0.0.0.0:8470";
  std::string admin_listen = "127.0.0.1:8471";
  // "off": no metrics page.
  std::string http_listen = "127.0.0.1:8472";
  // None: plaintext, on loopback addresses only.
  std::optional<TlsFiles> tls;
  // Plaintext only: who vouches for clients in secure sessions, its authority
  // and crl. None: no plan with secure aggregation is taken.
  std::optional<TlsFiles> plaintext_authority;
  // Memory gRPC may use for the buffers of all clients together.
  std::uint64_t buffer_bytes = 128u << 20;
  // A stream that has not said hello by then is closed.
  std::chrono::milliseconds hello_limit{10'000};
  // An upload or a download that moves nothing for this long is ended: it holds
  // a credit, or a chunk of memory, that others wait for.
  std::chrono::milliseconds stall_limit{20'000};
  // A download that takes longer for a chunk of 512 KiB is ended if others wait
  // for its memory: the limit also of how long slow readers hold them up.
  std::chrono::milliseconds chunk_limit{5'000};
  // How often certificates and revocations are looked at.
  std::chrono::seconds reload_interval{1};

  // Names the key of the configuration that is wrong.
  absl::Status Validate() const;
};

// From a configuration that was read; relative paths start at `folder`.
absl::StatusOr<ServerOptions> ToServerOptions(
    const v1::CoordinatorConfig& config, const std::filesystem::path& folder);

struct Address {
  std::string host;  // without the brackets of IPv6
  int port = 0;
};
// From "host:port" or "[IPv6]:port"; the error names `key`.
absl::StatusOr<Address> ParseAddress(const std::string& key,
                                     const std::string& text);
bool IsLoopback(const Address& address);

}  // namespace tributary::coordinator
