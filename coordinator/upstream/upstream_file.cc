// SPDX-License-Identifier: Apache-2.0
#include "coordinator/upstream/upstream_file.h"

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "privacy/crypto/digest.h"
#include "proto/durable/replacement.h"

namespace tributary::coordinator {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr durable::ReplacementOptions kPrivate{
    .permissions = 0600,
    .writers = durable::ReplacementOptions::Writers::kThisProcess};

}  // namespace

// A digest of the rest comes first.
UpstreamFile::UpstreamFile(std::filesystem::path file)
    : file_(std::move(file)) {
  std::ifstream in(file_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (bytes.size() < kDigestSize) return;
  const std::string rest = bytes.substr(kDigestSize);
  if (Sha256(rest).AsBytes() != bytes.substr(0, kDigestSize) ||
      !state_.ParseFromString(rest)) {
    state_.Clear();
  }
}

absl::Status UpstreamFile::Replace(v1::UpstreamState state) {
  const std::string rest = state.SerializeAsString();
  const absl::Status replaced = durable::ReplaceFile(
      file_, std::string(Sha256(rest).AsBytes()) + rest, kPrivate);
  if (replaced.ok()) state_ = std::move(state);
  return replaced;
}

std::uint64_t UpstreamFile::SessionOf(const std::string& address) const {
  for (const v1::UpstreamState::Session& known : state_.sessions()) {
    if (known.address() == address) return known.session();
  }
  return 0;
}

v1::UpstreamState WithSession(v1::UpstreamState state,
                              const std::string& address, std::uint64_t session,
                              std::uint64_t epoch) {
  v1::UpstreamState::Session* mine = nullptr;
  for (v1::UpstreamState::Session& known : *state.mutable_sessions()) {
    if (known.address() == address) mine = &known;
  }
  if (mine == nullptr) mine = state.add_sessions();
  mine->set_address(address);
  mine->set_session(session);
  state.set_epoch(epoch);
  return state;
}

}  // namespace tributary::coordinator
