// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/members.h"

#include <bit>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace tributary::secagg {

absl::StatusOr<Members> Members::FromBytes(std::uint32_t clients,
                                           std::string_view bytes) {
  Members members(clients);
  if (bytes.size() != members.bits_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a set of ", clients, " clients has ",
                     members.bits_.size(), " bytes, not ", bytes.size()));
  }
  members.bits_ = bytes;
  if (clients % 8 != 0 &&
      static_cast<unsigned char>(bytes.back()) >> clients % 8 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a set of ", clients, " clients holds one more"));
  }
  for (const char byte : bytes) {
    members.count_ += static_cast<std::uint32_t>(
        std::popcount(static_cast<unsigned char>(byte)));
  }
  return members;
}

void Members::Insert(Index client) {
  if (client >= clients_) std::abort();
  if (Contains(client)) return;
  bits_[client / 8] = static_cast<char>(
      static_cast<unsigned char>(bits_[client / 8]) | 1U << client % 8);
  ++count_;
}

std::vector<Index> Members::List() const {
  std::vector<Index> list;
  list.reserve(count_);
  for (Index i = 0; i < clients_; ++i) {
    if (Contains(i)) list.push_back(i);
  }
  return list;
}

std::uint32_t Members::CountOf(std::span<const Index> some) const {
  std::uint32_t count = 0;
  for (const Index client : some) count += Contains(client) ? 1 : 0;
  return count;
}

bool Members::IsWithin(const Members& other) const {
  if (clients_ != other.clients_) return false;
  for (std::size_t i = 0; i < bits_.size(); ++i) {
    if ((bits_[i] & ~other.bits_[i]) != 0) return false;
  }
  return true;
}

}  // namespace tributary::secagg
