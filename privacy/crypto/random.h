// SPDX-License-Identifier: Apache-2.0
// Where random bytes come from. Secrets come from SystemRandom (OpenSSL's
// generator) only. Reproducible choices that are no secret (cohorts of a seeded
// plan, shuffles, simulated populations) come from a KeyedStream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tributary {

// A source of uniform bytes. Not thread-safe unless it says so.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(std::span<std::uint8_t> out) = 0;

  // A uniform 64-bit word.
  std::uint64_t Word();
  // Uniform in [0, bound), without bias (Lemire 2019). bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1) with 53 bits.
  double Uniform();
};

// OpenSSL's generator. Thread-safe. Aborts if the generator fails: there is no
// safe way to go on.
class SystemRandom final : public RandomSource {
 public:
  void Fill(std::span<std::uint8_t> out) override;
};

// The bytes of another source, drawn 4 KiB at a time: a call of OpenSSL's
// generator costs far more than the few bytes of a word. Erased when it goes.
// Not thread-safe. Not to be used on both sides of a fork.
class BufferedRandom final : public RandomSource {
 public:
  // `source` outlives this.
  explicit BufferedRandom(RandomSource& source) : source_(source) {}
  ~BufferedRandom() override;
  BufferedRandom(const BufferedRandom&) = delete;
  BufferedRandom& operator=(const BufferedRandom&) = delete;

  void Fill(std::span<std::uint8_t> out) override;

 private:
  RandomSource& source_;
  std::array<std::uint8_t, 4096> buffer_;
  std::size_t next_ = 4096;  // first byte of the buffer not yet given out
};

using Key = std::array<std::uint8_t, 32>;

// HMAC-SHA-256(key, label) as a new key: domain separation for everything that
// is derived from one seed. Labels read "shuffle/3/1".
Key DeriveKey(const Key& key, std::string_view label);
// The key of a plan's 64-bit seed.
Key KeyFromSeed(std::uint64_t seed);

// AES-256-CTR over zeros under a key: the same bytes for the same key, on every
// machine.
class KeyedStream final : public RandomSource {
 public:
  explicit KeyedStream(const Key& key);
  KeyedStream(const Key& key, std::string_view label);  // DeriveKey first
  ~KeyedStream() override;
  KeyedStream(KeyedStream&&) noexcept;
  KeyedStream& operator=(KeyedStream&&) noexcept;

  void Fill(std::span<std::uint8_t> out) override;

 private:
  struct Cipher;
  std::unique_ptr<Cipher> cipher_;
};

}  // namespace tributary
