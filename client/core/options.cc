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

absl::Status OutOf(const char* option, std::uint64_t value, const char* range) {
  return Wrong(option, absl::StrCat(value, " is not ", range));
}

absl::Status CheckAddress(const char* option, const std::string& address,
                          const ClientOptions& options) {
  const std::string_view host = HostOf(address);
  if (host.empty()) {
    return Wrong(
        option,
        absl::StrCat("\"", address, "\" is not host:port with a port of 1 to ",
                     kMaxPort, ", such as fl.example.org:8470"));
  }
  if (options.insecure && !IsLoopback(host)) {
    return Wrong("insecure",
                 absl::StrCat("plaintext is for loopback addresses only, not ",
                              address));
  }
  return absl::OkStatus();
}

absl::Status Check(const SecureAggregationOptions& secure) {
  if (secure.min_cohort < 3) {
    return OutOf("secure_aggregation.min_cohort", secure.min_cohort,
                 "at least 3");
  }
  if (secure.min_survivors < 2 || secure.min_survivors >= secure.min_cohort) {
    return OutOf("secure_aggregation.min_survivors", secure.min_survivors,
                 "at least 2 and below min_cohort");
  }
  if (secure.min_word_bits < 8 || secure.min_word_bits > 62) {
    return Wrong("secure_aggregation.min_word_bits",
                 absl::StrCat(secure.min_word_bits, " is not in 8 .. 62"));
  }
  if (secure.min_corrupt_per_mille > 900) {
    return OutOf("secure_aggregation.min_corrupt_per_mille",
                 secure.min_corrupt_per_mille, "in 0 .. 900");
  }
  if (secure.min_threshold_per_mille > 1000) {
    return OutOf("secure_aggregation.min_threshold_per_mille",
                 secure.min_threshold_per_mille, "in 0 .. 1000");
  }
  if (!(secure.min_noise_multiplier >= 0 &&
        secure.min_noise_multiplier <= 1e6)) {
    return Wrong(
        "secure_aggregation.min_noise_multiplier",
        absl::StrCat(secure.min_noise_multiplier, " is not in 0 .. 1000000"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ClientOptions::Validate() const {
  if (auto status = CheckAddress("coordinator", coordinator, *this);
      !status.ok()) {
    return status;
  }
  for (const std::string& address : fallbacks) {
    if (auto status = CheckAddress("fallbacks", address, *this); !status.ok()) {
      return status;
    }
  }
  if (patience.count() <= 0) return Wrong("patience", "must be over 0");
  if (population.empty()) return Wrong("population", "must be set");
  if (state_folder.empty()) return Wrong("state_folder", "must be set");
  const bool has_credentials = !credentials.authority.empty() ||
                               !credentials.certificate.empty() ||
                               !credentials.key.empty();
  if (insecure) {
    if (name.empty()) return Wrong("name", "must be set without TLS");
  } else if (evaluator) {
    return Wrong("evaluator", "is the certificate's to say under TLS");
  }
  if (!insecure || has_credentials) {
    if (credentials.authority.empty()) {
      return Wrong("credentials.authority", "must be set");
    }
    if (credentials.certificate.empty()) {
      return Wrong("credentials.certificate", "must be set");
    }
    if (credentials.key.empty()) return Wrong("credentials.key", "must be set");
  } else if (secure_aggregation.use ==
             SecureAggregationOptions::Use::kRequired) {
    return Wrong("secure_aggregation.use",
                 "required, but there are no credentials to take part with");
  }
  if (backoff_min.count() <= 0) return Wrong("backoff_min", "must be over 0");
  if (backoff_max < backoff_min) {
    return Wrong("backoff_max", absl::StrCat(backoff_max.count(),
                                             " ms is less than backoff_min, ",
                                             backoff_min.count(), " ms"));
  }
  if (max_updates < 0)
    return Wrong("max_updates", absl::StrCat(max_updates, " is negative"));
  return Check(secure_aggregation);
}

}  // namespace tributary
