// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tributary/client.h"

namespace tributary {
namespace {

// The address without the port; "" if there is no port.
std::string_view HostOf(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return "";
  std::string_view host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // "127.example.org" is a name like any other.
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

absl::Status Wrong(const char* option, const char* problem) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", problem));
}

}  // namespace

absl::Status ClientOptions::Validate() const {
  const std::string_view host = HostOf(coordinator);
  if (host.empty()) return Wrong("coordinator", "must be host:port");
  if (population.empty()) return Wrong("population", "must be set");
  if (state_folder.empty()) return Wrong("state_folder", "must be set");
  if (insecure) {
    if (!IsLoopback(host)) {
      return Wrong("insecure", "plaintext is for loopback addresses only");
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
    return Wrong("backoff_max", "is less than backoff_min");
  }
  if (max_updates < 0) return Wrong("max_updates", "must not be negative");
  return absl::OkStatus();
}

}  // namespace tributary
