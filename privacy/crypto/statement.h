// SPDX-License-Identifier: Apache-2.0
// Fields as bytes that can be read in one way only: what is signed, hashed,
// authenticated or named in a key derivation. Each statement opens with its
// domain and its purpose, so that none can stand for another. A value; one
// thread at a time.
//
//   Statement("tributary/ledger/v1", "entry").Add(number).Add(run).Hash()
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "privacy/crypto/digest.h"

namespace tributary {

class Statement {
 public:
  Statement(std::string_view domain, std::string_view purpose) {
    Add(domain).Add(purpose);
  }

  // Its length, 4 bytes little-endian, and the bytes.
  Statement& Add(std::string_view field) {
    AddInteger(field.size(), 4);
    bytes_.append(field);
    return *this;
  }
  // 8 bytes little-endian.
  Statement& Add(std::uint64_t number) {
    AddInteger(number, 8);
    return *this;
  }
  // The 8 bytes of its IEEE 754 form, little-endian.
  Statement& AddReal(double number) {
    return Add(std::bit_cast<std::uint64_t>(number));
  }

  const std::string& bytes() const { return bytes_; }
  Digest Hash() const { return Sha256(bytes_); }

 private:
  void AddInteger(std::uint64_t number, int size) {
    for (int i = 0; i < size; ++i) {
      bytes_.push_back(static_cast<char>(number >> 8 * i & 0xff));
    }
  }

  std::string bytes_;
};

}  // namespace tributary
