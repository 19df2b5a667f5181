// SPDX-License-Identifier: Apache-2.0
// Bytes written as hex digits in tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "privacy/secagg/secret.h"

namespace tributary::secagg {

inline std::vector<std::uint8_t> FromHex(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline std::string ToHex(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

inline Secret SecretFromHex(std::string_view hex) {
  Secret secret;
  const auto bytes = FromHex(hex);
  std::copy_n(bytes.begin(), Secret::kSize, secret.bytes().begin());
  return secret;
}

inline Secret FilledSecret(std::uint8_t value) {
  Secret secret;
  for (std::uint8_t& byte : secret.bytes()) byte = value;
  return secret;
}

}  // namespace tributary::secagg
