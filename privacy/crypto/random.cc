// SPDX-License-Identifier: Apache-2.0
#include "privacy/crypto/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "privacy/crypto/digest.h"
#include "privacy/crypto/openssl_failure.h"

namespace tributary {
namespace {

// OpenSSL counts in int.
constexpr std::size_t kLargestCall = std::size_t{1} << 30;

__extension__ using Wide = unsigned __int128;

}  // namespace

std::uint64_t RandomSource::Word() {
  std::array<std::uint8_t, 8> bytes;
  Fill(bytes);
  std::uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | bytes[i];
  return word;
}

std::uint64_t RandomSource::Below(std::uint64_t bound) {
  // Lemire 2019, "Fast random integer generation in an interval", algorithm 5.
  Wide product = static_cast<Wide>(Word()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = -bound % bound;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<Wide>(Word()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double RandomSource::Uniform() {
  return static_cast<double>(Word() >> 11) * 0x1p-53;
}

void SystemRandom::Fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), kLargestCall);
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) {
      internal::OpenSslFailed("RAND_bytes");
    }
    out = out.subspan(count);
  }
}

BufferedRandom::~BufferedRandom() {
  OPENSSL_cleanse(buffer_.data(), buffer_.size());
}

void BufferedRandom::Fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (next_ == buffer_.size()) {
      source_.Fill(buffer_);
      next_ = 0;
    }
    const std::size_t count = std::min(out.size(), buffer_.size() - next_);
    std::memcpy(out.data(), buffer_.data() + next_, count);
    // What was given out is nobody else's: a later reader of this memory, say
    // of a core dump, finds the future of the stream at most.
    OPENSSL_cleanse(buffer_.data() + next_, count);
    next_ += count;
    out = out.subspan(count);
  }
}

Key DeriveKey(const Key& key, std::string_view label) {
  Key derived;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(label.data()), label.size(),
           derived.data(), nullptr) == nullptr) {
    internal::OpenSslFailed("HMAC");
  }
  return derived;
}

Key KeyFromSeed(std::uint64_t seed) {
  return Sha256("tributary/seed/" + std::to_string(seed)).bytes;
}

// Small draws are served from a buffer: one OpenSSL call costs far more than
// the few bytes of a word. The bytes are those of an unbuffered stream.
struct KeyedStream::Cipher {
  static constexpr std::size_t kBuffered = 4096;

  explicit Cipher(const Key& key) : context(EVP_CIPHER_CTX_new()) {
    constexpr std::array<unsigned char, 16> kFirstCounter{};
    if (context == nullptr ||
        EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nullptr, key.data(),
                           kFirstCounter.data()) != 1) {
      internal::OpenSslFailed("EVP_EncryptInit_ex");
    }
  }
  ~Cipher() {
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(buffer.data(), buffer.size());
  }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  void Generate(std::span<std::uint8_t> out) {
    std::ranges::fill(out, std::uint8_t{0});
    while (!out.empty()) {
      const int count = static_cast<int>(std::min(out.size(), kLargestCall));
      int written = 0;
      if (EVP_EncryptUpdate(context, out.data(), &written, out.data(), count) !=
              1 ||
          written != count) {
        internal::OpenSslFailed("EVP_EncryptUpdate");
      }
      out = out.subspan(count);
    }
  }

  EVP_CIPHER_CTX* context;
  std::array<std::uint8_t, kBuffered> buffer;
  std::size_t next = kBuffered;  // first byte of the buffer not yet given out
};

KeyedStream::KeyedStream(const Key& key)
    : cipher_(std::make_unique<Cipher>(key)) {}
KeyedStream::KeyedStream(const Key& key, std::string_view label)
    : KeyedStream(DeriveKey(key, label)) {}
KeyedStream::~KeyedStream() = default;
KeyedStream::KeyedStream(KeyedStream&&) noexcept = default;
KeyedStream& KeyedStream::operator=(KeyedStream&&) noexcept = default;

void KeyedStream::Fill(std::span<std::uint8_t> out) {
  Cipher& cipher = *cipher_;
  const std::size_t ready =
      std::min(out.size(), Cipher::kBuffered - cipher.next);
  std::copy_n(cipher.buffer.begin() + static_cast<std::ptrdiff_t>(cipher.next),
              ready, out.begin());
  cipher.next += ready;
  out = out.subspan(ready);
  if (out.size() >= Cipher::kBuffered) {
    const std::size_t direct = out.size() - out.size() % Cipher::kBuffered;
    cipher.Generate(out.first(direct));
    out = out.subspan(direct);
  }
  if (!out.empty()) {
    cipher.Generate(cipher.buffer);
    std::copy_n(cipher.buffer.begin(), out.size(), out.begin());
    cipher.next = out.size();
  }
}

}  // namespace tributary
