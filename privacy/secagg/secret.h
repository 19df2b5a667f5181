// SPDX-License-Identifier: Apache-2.0
// Memory for what nobody else may learn: erased when it goes, moved and never
// copied by accident, compared in constant time. One thread at a time.
#pragma once

#include <openssl/crypto.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tributary::secagg {

// 32 secret bytes: a key, a seed, a private key.
class Secret {
 public:
  static constexpr std::size_t kSize = 32;

  Secret() = default;
  ~Secret() { Erase(); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  // What was moved from holds zeros.
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.Erase(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.Erase();
    }
    return *this;
  }

  Secret Copy() const {
    Secret copy;
    copy.bytes_ = bytes_;
    return copy;
  }
  std::span<std::uint8_t, kSize> bytes() { return bytes_; }
  std::span<const std::uint8_t, kSize> bytes() const { return bytes_; }

  friend bool operator==(const Secret& one, const Secret& other) {
    return CRYPTO_memcmp(one.bytes_.data(), other.bytes_.data(), kSize) == 0;
  }

 private:
  void Erase() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  std::array<std::uint8_t, kSize> bytes_{};
};

// Writes zeros that no compiler leaves out.
inline void Erase(std::span<std::byte> bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

// Erases what it gives back.
template <typename T>
struct ErasingAllocator {
  using value_type = T;

  ErasingAllocator() = default;
  template <typename U>
  explicit ErasingAllocator(const ErasingAllocator<U>&) {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) {
    OPENSSL_cleanse(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const ErasingAllocator&, const ErasingAllocator&) {
    return true;
  }
};

template <typename T>
using SecretVector = std::vector<T, ErasingAllocator<T>>;

}  // namespace tributary::secagg
