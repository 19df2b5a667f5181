// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/server_options.h"

#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tributary::coordinator {
namespace {

absl::Status CheckPlaintext(const std::string& key, const std::string& text) {
  absl::StatusOr<Address> address = ParseAddress(key, text);
  if (!address.ok()) return address.status();
  if (!IsLoopback(*address)) {
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": \"", text,
        "\" is not a loopback address; without TLS only those are allowed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Address> ParseAddress(const std::string& key,
                                     const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &address.port) ||
      address.port < 0 || address.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": \"", text, "\" is not host:port, such as 127.0.0.1:8470"));
  }
  address.host = text.substr(0, colon);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (absl::StrContains(address.host, ":")) {
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": \"", text, "\": an IPv6 address needs brackets: [::1]:8470"));
  }
  return address;
}

bool IsLoopback(const Address& address) {
  if (address.host == "localhost" || address.host == "::1") return true;
  // Only digits and dots: 127.example.org is somebody else's machine.
  return absl::StartsWith(address.host, "127.") &&
         address.host.find_first_not_of("0123456789.") == std::string::npos;
}

absl::Status ServerOptions::Validate() const {
  for (const auto& [key, text] :
       {std::pair{"listen", listen}, std::pair{"admin_listen", admin_listen}}) {
    absl::Status status = tls.has_value() ? ParseAddress(key, text).status()
                                          : CheckPlaintext(key, text);
    if (!status.ok()) return status;
  }
  if (http_listen != "off") {
    absl::Status status = ParseAddress("http_listen", http_listen).status();
    if (!status.ok()) return status;
  }
  if (buffer_bytes < 16u << 20) {
    return absl::InvalidArgumentError("buffer_mib: at least 16");
  }
  return absl::OkStatus();
}

absl::StatusOr<ServerOptions> ToServerOptions(
    const v1::CoordinatorConfig& config, const std::filesystem::path& folder) {
  ServerOptions options;
  if (config.insecure()) {
    // The default address is every interface; without TLS it is loopback.
    options.listen = "127.0.0.1:8470";
  }
  if (!config.listen().empty()) options.listen = config.listen();
  if (!config.admin_listen().empty()) {
    options.admin_listen = config.admin_listen();
  }
  if (!config.http_listen().empty()) options.http_listen = config.http_listen();
  if (config.has_buffer_mib()) {
    options.buffer_bytes = std::uint64_t{config.buffer_mib()} << 20;
  }
  const bool has_pair =
      !config.tls().certificate().empty() || !config.tls().key().empty();
  if (config.insecure() && has_pair) {
    return absl::InvalidArgumentError(
        "insecure: true and tls.certificate and tls.key exclude each other");
  }
  if (!config.insecure() && !config.has_tls()) {
    return absl::InvalidArgumentError(
        "tls: missing; it names the authority, certificate and key "
        "(insecure: true does without, on loopback addresses only)");
  }
  if (config.has_tls()) {
    TlsFiles files{folder / config.tls().authority(), {}, {}, {}};
    if (!config.tls().crl().empty()) files.crl = folder / config.tls().crl();
    if (config.insecure()) {
      options.plaintext_authority = files;
    } else if (config.tls().certificate().empty() ||
               config.tls().key().empty()) {
      return absl::InvalidArgumentError(
          "tls.certificate and tls.key: missing; the coordinator proves with "
          "them who it is");
    } else {
      files.certificate = folder / config.tls().certificate();
      files.key = folder / config.tls().key();
      options.tls = files;
    }
  }
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  return options;
}

}  // namespace tributary::coordinator
