// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/mask_stream.h"

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/openssl_objects.h"

namespace tributary::secagg {
namespace {

static_assert(std::endian::native == std::endian::little,
              "a cipher's bytes are read as words in place");

// As many streams are made one behind the other and then applied at once: words
// are read and written once for all of them. Zeros and a stream's block stay in
// a first-level cache of 32 KiB, the others in the second.
constexpr std::size_t kBlockBytes = 8192;
constexpr std::size_t kBlocks = 4;
// Contexts of a group stay in a second-level cache.
constexpr std::size_t kGroup = 256;

const EVP_CIPHER* Algorithm(StreamCipher cipher) {
  static const EVP_CIPHER* const aes =
      EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  static const EVP_CIPHER* const chacha =
      EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
  const EVP_CIPHER* chosen = cipher == StreamCipher::kAes256Ctr ? aes : chacha;
  if (chosen == nullptr) internal::OpenSslFailed("EVP_CIPHER_fetch");
  return chosen;
}

// Where in its stream a cipher starts: AES counts blocks of 16 bytes in a
// big-endian 128-bit number; ChaCha20 blocks of 64 in a little-endian 32-bit
// one, before its nonce. A key has one stream, so the rest is zero.
std::array<unsigned char, 16> Counter(StreamCipher cipher,
                                      std::uint64_t first_byte) {
  std::array<unsigned char, 16> counter{};
  if (cipher == StreamCipher::kAes256Ctr) {
    for (std::size_t i = 0; i < 8; ++i) {
      counter[15 - i] = static_cast<unsigned char>(first_byte / 16 >> 8 * i);
    }
  } else {
    for (std::size_t i = 0; i < 4; ++i) {
      counter[i] = static_cast<unsigned char>(first_byte / 64 >> 8 * i);
    }
  }
  return counter;
}

using CipherContextPtr =
    std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

// Adds to the words, or subtracts from them, blocks that stand one behind the
// other.
template <std::size_t blocks, typename Word>
void Combine(Direction direction, const Word* block, std::span<Word> words) {
  const std::size_t count = words.size();
  const auto total = [=](std::size_t i) {
    Word sum = block[i];
    for (std::size_t j = 1; j < blocks; ++j) sum += block[j * count + i];
    return sum;
  };
  if (direction == Direction::kAdd) {
    for (std::size_t i = 0; i < count; ++i) words[i] += total(i);
  } else {
    for (std::size_t i = 0; i < count; ++i) words[i] -= total(i);
  }
}

// What ran before may have left the upper halves of vector registers in use.
// Then the ciphers' instructions, which leave them alone, take a sixth longer.
#if defined(__x86_64__)
__attribute__((target("avx"))) void ClearUpperHalves() { _mm256_zeroupper(); }
void PrepareForCipher() {
  if (__builtin_cpu_supports("avx")) ClearUpperHalves();
}
#else
void PrepareForCipher() {}
#endif

template <typename Word>
void ApplyInGroups(StreamCipher cipher, std::span<const Mask> masks,
                   std::size_t first_word, std::span<Word> words) {
  for (std::size_t at = 0; at < masks.size(); at += kGroup) {
    MaskStreams group(cipher,
                      masks.subspan(at, std::min(kGroup, masks.size() - at)),
                      first_word, sizeof(Word));
    group.Apply(words);
  }
}

}  // namespace

std::string_view Name(StreamCipher cipher) {
  return cipher == StreamCipher::kAes256Ctr ? "AES-256-CTR" : "ChaCha20";
}

struct MaskStreams::Stream {
  CipherContextPtr context;

  void Fill(std::span<std::uint8_t> out) {
    alignas(64) static constexpr std::array<unsigned char, kBlockBytes>
        kZeros{};
    int written = 0;
    if (EVP_EncryptUpdate(context.get(), out.data(), &written, kZeros.data(),
                          static_cast<int>(out.size())) != 1 ||
        written != static_cast<int>(out.size())) {
      internal::OpenSslFailed("EVP_EncryptUpdate");
    }
  }
};

MaskStreams::MaskStreams(StreamCipher cipher, std::span<const Mask> masks,
                         std::size_t first_word, std::size_t word_size)
    : word_size_(word_size) {
  if (first_word % kMaskAlignment != 0 || (word_size != 4 && word_size != 8)) {
    std::abort();
  }
  const auto counter = Counter(cipher, first_word * word_size);
  for (const Mask& mask : masks) {
    CipherContextPtr context(EVP_CIPHER_CTX_new());
    if (context == nullptr ||
        EVP_EncryptInit_ex2(context.get(), Algorithm(cipher),
                            mask.key.bytes().data(), counter.data(),
                            nullptr) != 1) {
      internal::OpenSslFailed("EVP_EncryptInit_ex2");
    }
    auto& streams = mask.direction == Direction::kAdd ? added_ : subtracted_;
    streams.push_back({std::move(context)});
  }
}

MaskStreams::~MaskStreams() = default;
MaskStreams::MaskStreams(MaskStreams&&) noexcept = default;
MaskStreams& MaskStreams::operator=(MaskStreams&&) noexcept = default;

template <typename Word>
void MaskStreams::ApplyTo(std::span<Word> words) {
  if (sizeof(Word) != word_size_) std::abort();
  constexpr std::size_t kWords = kBlockBytes / sizeof(Word);
  alignas(64) std::array<Word, kBlocks * kWords> block;
  PrepareForCipher();
  while (!words.empty()) {
    const std::span<Word> now = words.first(std::min(words.size(), kWords));
    const auto apply = [&](Direction direction, std::vector<Stream>& streams) {
      std::size_t next = 0;
      const auto fill = [&](std::size_t place) {
        streams[next++].Fill(
            {reinterpret_cast<std::uint8_t*>(&block[place * now.size()]),
             now.size_bytes()});
      };
      while (next + kBlocks <= streams.size()) {
        for (std::size_t place = 0; place < kBlocks; ++place) fill(place);
        Combine<kBlocks>(direction, block.data(), now);
      }
      while (next < streams.size()) {
        fill(0);
        Combine<1>(direction, block.data(), now);
      }
    };
    apply(Direction::kAdd, added_);
    apply(Direction::kSubtract, subtracted_);
    words = words.subspan(now.size());
  }
  OPENSSL_cleanse(block.data(), sizeof block);
}

void MaskStreams::Apply(std::span<std::uint32_t> words) { ApplyTo(words); }
void MaskStreams::Apply(std::span<std::uint64_t> words) { ApplyTo(words); }

void ApplyMasks(StreamCipher cipher, std::span<const Mask> masks,
                std::size_t first_word, std::span<std::uint32_t> words) {
  ApplyInGroups(cipher, masks, first_word, words);
}
void ApplyMasks(StreamCipher cipher, std::span<const Mask> masks,
                std::size_t first_word, std::span<std::uint64_t> words) {
  ApplyInGroups(cipher, masks, first_word, words);
}

}  // namespace tributary::secagg
