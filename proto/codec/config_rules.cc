// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/defaults.h"
#include "proto/codec/duration.h"
#include "proto/codec/limits.h"
#include "proto/codec/plan_rules.h"

namespace tributary::codec {
namespace {

// host:port, with an IPv6 host in brackets.
bool SplitAddress(std::string_view address, std::string_view& host,
                  std::string_view& port) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  host = address.substr(0, colon);
  port = address.substr(colon + 1);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return false;
  unsigned number = 0;
  const auto read =
      std::from_chars(port.data(), port.data() + port.size(), number);
  return !host.empty() && read.ec == std::errc() &&
         read.ptr == port.data() + port.size() && number <= 65535;
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.substr(0, 4) == "127." &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

void CheckAddress(const std::string& key, const std::string& address,
                  bool must_be_loopback, Problems& problems) {
  std::string_view host;
  std::string_view port;
  if (!SplitAddress(address, host, port)) {
    problems.push_back(
        {key, absl::StrCat(Quoted(address), " is not host:port")});
  } else if (must_be_loopback && !IsLoopback(host)) {
    problems.push_back(
        {key, absl::StrCat(Quoted(address),
                           " is not a loopback address, and insecure allows "
                           "no other")});
  }
}

void CheckParent(const v1::ParentConfig& parent, Problems& problems) {
  for (int i = 0; i < parent.addresses_size(); ++i) {
    CheckAddress(absl::StrCat("parent.addresses[", i, "]"), parent.addresses(i),
                 parent.insecure(), problems);
  }
  if (parent.insecure()) {
    if (parent.has_tls()) {
      problems.push_back({"parent.insecure", "cannot stand beside parent.tls"});
    }
    if (parent.name().empty()) {
      problems.push_back({"parent.name", "is required without TLS"});
    }
    return;
  }
  if (!parent.name().empty()) {
    problems.push_back(
        {"parent.name", "is the certificate's to say under TLS; leave it out"});
  }
  if (!parent.has_tls()) {
    problems.push_back({"parent.tls",
                        "is required (or insecure: true, to loopback addresses "
                        "only)"});
    return;
  }
  if (parent.tls().certificate().empty()) {
    problems.push_back({"parent.tls.certificate",
                        "is required: this aggregator's own, of the role "
                        "aggregator"});
  }
  if (parent.tls().key().empty()) {
    problems.push_back({"parent.tls.key", "is required"});
  }
  if (!parent.tls().crl().empty()) {
    problems.push_back({"parent.tls.crl",
                        "is not looked at: an aggregator revokes no parent"});
  }
}

}  // namespace

Problems FindConfigProblems(const v1::CoordinatorConfig& given) {
  Problems problems;
  FindLimitProblems(given, "", problems);
  const v1::CoordinatorConfig config = WithDefaults(given);
  if (config.has_parent()) CheckParent(config.parent(), problems);
  if (config.insecure() && config.has_tls()) {
    problems.push_back({"insecure", "cannot stand beside tls"});
  }
  if (!config.insecure() && !config.has_tls()) {
    problems.push_back(
        {"tls", "is required (or insecure: true, on loopback addresses only)"});
  }
  CheckAddress("listen", config.listen(), config.insecure(), problems);
  CheckAddress("admin_listen", config.admin_listen(), config.insecure(),
               problems);
  if (config.http_listen() != "off") {
    CheckAddress("http_listen", config.http_listen(), false, problems);
  }
  // Port 0 asks for any free one, so two such are not the same.
  const auto is_same = [](const std::string& a, const std::string& b) {
    return a == b && !absl::EndsWith(a, ":0");
  };
  if (is_same(config.listen(), config.admin_listen())) {
    problems.push_back({"admin_listen", "is the same as listen"});
  }
  if (is_same(config.http_listen(), config.listen()) ||
      is_same(config.http_listen(), config.admin_listen())) {
    problems.push_back(
        {"http_listen", "is the same as listen or admin_listen"});
  }
  if (Seconds(config.idle_earliest()) > Seconds(config.idle_latest())) {
    problems.push_back(
        {"idle_earliest", absl::StrCat(FormatDuration(config.idle_earliest()),
                                       " is longer than idle_latest ",
                                       FormatDuration(config.idle_latest()))});
  }
  const std::vector<std::string> levels = {"debug", "info", "warn", "error"};
  if (std::find(levels.begin(), levels.end(), config.log_level()) ==
      levels.end()) {
    problems.push_back({"log_level", absl::StrCat(Quoted(config.log_level()),
                                                  " is not one of debug, "
                                                  "info, warn, error")});
  }
  return problems;
}

}  // namespace tributary::codec
