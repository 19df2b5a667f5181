// SPDX-License-Identifier: Apache-2.0
#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <regex>
#include <sstream>
#include <utility>

namespace tributary::architecture {
namespace {

using Purity = FolderRule::Purity;

// Libraries by the includes that betray them.
const std::vector<std::pair<std::string, std::string>>& LibraryPatterns() {
  static const auto& patterns =
      *new std::vector<std::pair<std::string, std::string>>{
          {"torch", R"(^(torch|ATen|c10|caffe2)/)"},
          {"grpc", R"(^(grpc|grpcpp|grpc\+\+)/|\.grpc\.pb\.h$)"},
          {"protobuf", R"(^google/protobuf/|\.pb\.h$)"},
          {"absl", R"(^absl/)"},
          {"eigen", R"(^(unsupported/)?Eigen/)"},
          {"openssl", R"(^openssl/)"},
          {"sqlite", R"(^sqlite3\.h$)"},
          {"yaml", R"(^yaml-cpp/)"},
          {"json", R"(^nlohmann/)"},
          {"spdlog", R"(^spdlog/)"},
          {"cli", R"(^CLI/)"},
          {"http", R"(^httplib\.h$)"},
          {"prometheus", R"(^prometheus/)"},
          {"zlib", R"(^zlib\.h$)"},
          {"zip", R"(^zip\.h$)"},
          {"matio", R"(^matio\.h$)"},
          {"xxhash", R"(^xxhash\.h$)"},
          {"blas", R"(^cblas\.h$)"},
      };
  return patterns;
}

// Standard and system headers that bring threads, clocks, sockets or the disk.
// <cstdio> is allowed: a broken invariant says so before it aborts.
constexpr const char* kImpureHeaders =
    R"(^(thread|mutex|shared_mutex|condition_variable|future|stop_token|)"
    R"(semaphore|latch|barrier|fstream|filesystem|ctime|iostream|)"
    R"(unistd\.h|fcntl\.h|pthread\.h|time\.h|sys/.*|netinet/.*|arpa/.*)$)";

constexpr const char* kClocks =
    R"(\b(system_clock|steady_clock|high_resolution_clock)\b)";

// The include as a path of ours; empty if it is not ours.
std::string Ours(const std::string& include) {
  if (include.starts_with("tributary/v1/")) return "";
  if (include.starts_with("tributary/")) return "client/include/" + include;
  for (const char* folder :
       {"aggregation/", "privacy/", "proto/", "coordinator/", "client/",
        "simulation/", "tests/"}) {
    if (include.starts_with(folder)) return include;
  }
  return "";
}

}  // namespace

const std::vector<FolderRule>& Rules() {
  static const auto& rules = *new std::vector<FolderRule>{
      {"proto/durable/", {"proto/durable/"}, {"absl"}},
      {"aggregation/",
       {"aggregation/"},
       {"absl", "eigen"},
       Purity::kPure,
       {"aggregation/robust/"}},
      {"aggregation/robust/", {"aggregation/"}, {"absl"}, Purity::kPure},
      {"privacy/crypto/",
       {"privacy/crypto/"},
       {"absl", "openssl"},
       Purity::kPure},
      {"privacy/dp/",
       {"privacy/dp/", "privacy/crypto/"},
       {"absl", "eigen"},
       Purity::kPure},
      // The halves of secure aggregation see what they share, never each other.
      {"privacy/secagg/",
       {"privacy/secagg/", "privacy/crypto/"},
       {"absl", "openssl"},
       Purity::kPure,
       {"privacy/secagg/client/", "privacy/secagg/server/"}},
      {"privacy/secagg/client/",
       {"privacy/secagg/", "privacy/crypto/"},
       {"absl"},
       Purity::kPure,
       {"privacy/secagg/server/"}},
      {"privacy/secagg/server/",
       {"privacy/secagg/", "privacy/crypto/"},
       {"absl"},
       Purity::kPure,
       {"privacy/secagg/client/"}},
      {"proto/codec/",
       {"proto/durable/", "proto/codec/", "aggregation/", "privacy/"},
       {"absl", "protobuf", "yaml", "json"}},
      {"proto/command_line/", {"proto/command_line/"}, {"cli"}},
      {"coordinator/round/",
       {"coordinator/round/", "aggregation/", "privacy/"},
       {"absl"},
       Purity::kPure},
      {"coordinator/robust/",
       {"coordinator/robust/", "coordinator/round/", "aggregation/",
        "privacy/"},
       {"absl"},
       Purity::kPure},
      // Of the protocol the server's half alone.
      {"coordinator/secure/",
       {"coordinator/secure/", "coordinator/round/", "proto/codec/",
        "aggregation/", "privacy/"},
       {"absl", "protobuf"},
       Purity::kPure,
       {"privacy/secagg/client/"}},
      // Of secure aggregation how words are packed, not its halves.
      {"coordinator/tree/",
       {"coordinator/tree/", "coordinator/round/", "aggregation/",
        "privacy/secagg/", "privacy/crypto/"},
       {"absl"},
       Purity::kPure,
       {"privacy/secagg/client/", "privacy/secagg/server/"}},
      {"coordinator/wire/",
       {"coordinator/wire/", "coordinator/round/", "coordinator/tree/",
        "privacy/"},
       {"absl", "protobuf"},
       Purity::kPure},
      {"coordinator/checkpoint/",
       {"coordinator/checkpoint/", "coordinator/round/", "proto/codec/",
        "privacy/"},
       {"absl", "protobuf", "xxhash"},
       Purity::kPure},
      {"coordinator/store/",
       {"coordinator/store/", "coordinator/round/", "proto/codec/", "privacy/"},
       {"absl", "protobuf", "sqlite", "xxhash"}},
      {"coordinator/runner/",
       {"coordinator/runner/", "coordinator/store/", "coordinator/round/",
        "coordinator/robust/", "coordinator/secure/", "coordinator/tree/",
        "coordinator/wire/", "coordinator/checkpoint/", "proto/codec/",
        "aggregation/", "privacy/"},
       {"absl", "protobuf", "xxhash"}},
      // Of the coordinator its interface alone.
      {"coordinator/upstream/",
       {"coordinator/upstream/", "coordinator/runner/coordinator.h",
        "client/core/", "client/grpc/", "client/include/", "proto/durable/",
        "privacy/crypto/"},
       {"absl", "protobuf"}},
      {"coordinator/server/",
       {"coordinator/server/", "coordinator/runner/", "coordinator/round/",
        "coordinator/upstream/", "proto/codec/", "privacy/",
        "proto/command_line/"},
       {"absl", "protobuf", "grpc", "openssl", "spdlog", "cli", "http",
        "prometheus"}},
      {"coordinator/ctl/",
       {"proto/durable/", "coordinator/ctl/", "proto/codec/", "privacy/",
        "proto/command_line/"},
       {"absl", "protobuf", "grpc", "openssl", "cli", "json"}},
      {"client/include/",
       {"client/include/", "aggregation/manifest.h", "privacy/crypto/digest.h",
        "privacy/crypto/random.h"},
       {"absl"}},
      {"client/core/",
       {"proto/durable/", "client/core/", "client/include/", "aggregation/",
        "privacy/", "proto/codec/"},
       {"absl", "protobuf", "xxhash", "json"},
       Purity::kImpure,
       {"privacy/secagg/server/"}},
      {"client/data/", {"client/data/", "client/include/"}, {"absl", "zlib"}},
      {"client/grpc/",
       {"client/grpc/", "client/core/", "client/include/", "aggregation/",
        "privacy/", "proto/codec/"},
       {"absl", "protobuf", "grpc", "openssl"}},
      {"client/torch/",
       {"client/torch/", "client/core/", "client/data/", "client/include/",
        "aggregation/", "privacy/", "proto/codec/", "proto/command_line/"},
       {"absl", "protobuf", "torch", "blas", "json", "cli"}},
      {"client/program/",
       {"client/program/", "client/data/", "client/include/",
        "proto/command_line/"},
       {"absl", "cli"}},
      {"client/examples/", {"client/include/"}, {"absl"}},
      {"simulation/datasets/",
       {"simulation/datasets/", "client/data/", "client/include/",
        "proto/codec/", "privacy/"},
       {"absl", "protobuf", "eigen", "json", "zlib", "zip", "matio"}},
      {"simulation/attacks/",
       {"simulation/attacks/", "simulation/datasets/normal.h",
        "aggregation/invariant.h", "privacy/crypto/"},
       {"absl"},
       Purity::kPure},
      // c10d behind an interface of its own.
      {"simulation/ranks/", {"simulation/ranks/"}, {"absl", "torch"}},
      {"simulation/report/",
       {"simulation/report/", "proto/codec/"},
       {"absl", "protobuf", "json"}},
      {"simulation/",
       {"proto/durable/", "simulation/", "coordinator/round/",
        "coordinator/robust/", "coordinator/secure/", "coordinator/wire/",
        "coordinator/checkpoint/", "client/core/", "client/torch/",
        "client/data/", "client/include/", "aggregation/", "privacy/",
        "proto/codec/", "proto/command_line/"},
       {"absl", "protobuf", "cli", "json", "xxhash"}},
  };
  return rules;
}

const FolderRule* RuleOf(std::string_view path) {
  const FolderRule* best = nullptr;
  for (const auto& rule : Rules()) {
    if (path.starts_with(rule.folder) &&
        (best == nullptr || rule.folder.size() > best->folder.size())) {
      best = &rule;
    }
  }
  return best;
}

std::vector<std::string> Violations(const std::string& path,
                                    const std::string& text) {
  static const std::regex include_line(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  static const std::regex impure(kImpureHeaders);
  static const std::regex clocks(kClocks);
  static const auto& libraries = *[] {
    auto* compiled = new std::vector<std::pair<std::string, std::regex>>;
    for (const auto& [name, pattern] : LibraryPatterns()) {
      compiled->emplace_back(name, std::regex(pattern));
    }
    return compiled;
  }();

  const FolderRule* rule = RuleOf(path);
  if (rule == nullptr) {
    return {path + ": no folder of the architecture table holds this file"};
  }
  std::vector<std::string> violations;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string where = path + ":" + std::to_string(number) + ": ";
    const bool pure = rule->purity == Purity::kPure;
    if (pure && std::regex_search(line, clocks)) {
      violations.push_back(where + "names a clock in a pure folder");
    }
    std::smatch match;
    if (!std::regex_search(line, match, include_line)) continue;
    const std::string include = match[1];
    const std::string what = where + "includes " + include;
    if (pure && std::regex_search(include, impure)) {
      violations.push_back(what + " in a pure folder");
    }
    for (const auto& [name, pattern] : libraries) {
      // A service's generated header counts as gRPC's, once.
      if (name == "protobuf" && include.ends_with(".grpc.pb.h")) continue;
      if (std::regex_search(include, pattern) &&
          std::ranges::find(rule->libraries, name) == rule->libraries.end()) {
        violations.push_back(what + " (" + name + "), which " + rule->folder +
                             " must not see");
      }
    }
    const std::string ours = Ours(include);
    const auto is_ours_in = [&](const std::string& folder) {
      return ours.starts_with(folder);
    };
    if (!ours.empty() && (std::ranges::none_of(rule->may_see, is_ours_in) ||
                          std::ranges::any_of(rule->not_these, is_ours_in))) {
      violations.push_back(what + ", which " + rule->folder + " must not see");
    }
  }
  return violations;
}

}  // namespace tributary::architecture
