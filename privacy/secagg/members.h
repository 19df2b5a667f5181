// SPDX-License-Identifier: Apache-2.0
// A set of a session's clients, a bit each: a client cannot be in it twice, and
// a set and its complement share nobody. A value; one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "privacy/secagg/graph_parameters.h"

namespace tributary::secagg {

class Members {
 public:
  // Nobody, of clients 0 .. clients-1.
  explicit Members(std::uint32_t clients = 0)
      : clients_(clients), bits_((clients + 7) / 8, '\0') {}

  // Client i is bit i % 8 of byte i / 8. InvalidArgument if the size is wrong
  // or a bit behind the last client is set.
  static absl::StatusOr<Members> FromBytes(std::uint32_t clients,
                                           std::string_view bytes);
  const std::string& bytes() const { return bits_; }

  std::uint32_t clients() const { return clients_; }
  std::uint32_t count() const { return count_; }
  bool Contains(Index client) const {
    return client < clients_ &&
           (static_cast<unsigned char>(bits_[client / 8]) >> client % 8 & 1) !=
               0;
  }
  void Insert(Index client);
  std::vector<Index> List() const;
  std::uint32_t CountOf(std::span<const Index> some) const;
  bool IsWithin(const Members& other) const;

  friend bool operator==(const Members&, const Members&) = default;

 private:
  std::uint32_t clients_;
  std::uint32_t count_ = 0;
  std::string bits_;
};

}  // namespace tributary::secagg
