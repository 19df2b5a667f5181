// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tributary/client.h"

namespace tributary {
namespace {

constexpr int kMaxPort = 65'535;

// The address without the port; "" if it is not host:port.
std::string_view HostOf(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return "";
  const std::string_view port = address.substr(colon + 1);
  int number = 0;
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number < 1 ||
      number > kMaxPort) {
    return "";
  }
  std::string_view host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  // Without brackets nobody could tell where an IPv6 address ends.
  return host.find(':') == std::string_view::npos ? host : "";
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // "127.example.org" is a name like any other.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

absl::Status Wrong(const char* option, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", problem));
}

}  // namespace

absl::Status ClientOptions::Validate() const {
  const std::string_view host = HostOf(coordinator);
  if (host.empty()) {
    return Wrong("coordinator",
                 absl::StrCat("\"", coordinator,
                              "\" is not host:port with a port of 1 to ",
                              kMaxPort, ", such as fl.example.org:8470"));
  }
  if (population.empty()) return Wrong("population", "must be set");
  if (state_folder.empty()) return Wrong("state_folder", "must be set");
  if (insecure) {
    if (!IsLoopback(host)) {
      return Wrong(
          "insecure",
          absl::StrCat("plaintext is for loopback addresses only, not ",
                       coordinator));
    }
    if (name.empty()) return Wrong("name", "must be set without TLS");
  } else {
    if (credentials.authority.empty()) {
      return Wrong("credentials.authority", "must be set");
    }
    if (credentials.certificate.empty()) {
      return Wrong("credentials.certificate", "must be set");
    }
    if (credentials.key.empty()) return Wrong("credentials.key", "must be set");
    if (evaluator) {
      return Wrong("evaluator", "is the certificate's to say under TLS");
    }
  }
  if (backoff_min.count() <= 0) return Wrong("backoff_min", "must be over 0");
  if (backoff_max < backoff_min) {
    return Wrong("backoff_max", absl::StrCat(backoff_max.count(),
                                             " ms is less than backoff_min, ",
                                             backoff_min.count(), " ms"));
  }
  if (max_updates < 0)
    return Wrong("max_updates", absl::StrCat(max_updates, " is negative"));
  return absl::OkStatus();
}

}  // namespace tributary
