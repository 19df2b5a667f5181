// SPDX-License-Identifier: Apache-2.0
// What an aggregator keeps of its parent, as a file: the old one or the new
// one, whatever happens. A damaged file counts as absent, which begins an
// epoch.
//
// One thread at a time.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "tributary/v1/upstream.pb.h"

namespace tributary::coordinator {

class UpstreamFile {
 public:
  // Reads what is there.
  explicit UpstreamFile(std::filesystem::path file);

  const v1::UpstreamState& state() const { return state_; }
  // On the disk when it returns; if it fails the state is as before.
  absl::Status Replace(v1::UpstreamState state);

  // Of this address; 0: none.
  std::uint64_t SessionOf(const std::string& address) const;

 private:
  std::filesystem::path file_;
  v1::UpstreamState state_;
};

// The state with this session of the address.
v1::UpstreamState WithSession(v1::UpstreamState state,
                              const std::string& address, std::uint64_t session,
                              std::uint64_t epoch);

}  // namespace tributary::coordinator
