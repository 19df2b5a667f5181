// SPDX-License-Identifier: Apache-2.0
// Who vouches for clients in secure sessions: the authority of the
// configuration, as its file, the revocations and the clock say.
//
// Threads: one at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/secagg/identity.h"

namespace tributary::coordinator {

class ClientAuthority {
 public:
  using WallTime = std::chrono::system_clock::time_point;
  using Made = std::shared_ptr<const secagg::Authority>;

  // The PEM file of `tls.authority`: one certificate or more.
  explicit ClientAuthority(std::filesystem::path file)
      : file_(std::move(file)) {}

  // Serials, upper-case hex; replaces those before.
  void SetRevoked(const std::vector<std::string>& serials);

  // The authority, if the last one made is not right any more: its file or the
  // revocations changed, or it is a minute old, for certificates begin and end.
  // Null if it still is. An unreadable file is an error each time, and the
  // caller keeps the one it had.
  absl::StatusOr<Made> Poll(WallTime now);

 private:
  static constexpr std::chrono::minutes kLongestUse{1};

  std::filesystem::path file_;
  std::set<std::string> revoked_;
  bool is_made_ = false;
  WallTime made_;
  std::filesystem::file_time_type seen_time_;
};

}  // namespace tributary::coordinator
