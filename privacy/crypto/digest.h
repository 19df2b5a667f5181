// SPDX-License-Identifier: Apache-2.0
// SHA-256 (OpenSSL) as a value and as a running hash. Models, archives and
// plans are named by it.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  // 64 lower-case hex digits.
  std::string Hex() const;
  static absl::StatusOr<Digest> FromHex(std::string_view hex);
  // From exactly 32 raw bytes, as protobuf carries them.
  static absl::StatusOr<Digest> FromBytes(std::string_view raw);
  std::string_view AsBytes() const;

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

Digest Sha256(std::span<const std::byte> bytes);
Digest Sha256(std::string_view bytes);

// A running SHA-256. One thread at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  // The digest of all bytes so far; call once.
  Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace tributary
