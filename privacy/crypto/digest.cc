// SPDX-License-Identifier: Apache-2.0
#include "privacy/crypto/digest.h"

#include <openssl/evp.h>

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "privacy/crypto/openssl_failure.h"

namespace tributary {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

int DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string Digest::Hex() const {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

absl::StatusOr<Digest> Digest::FromHex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a SHA-256 has 64 hex digits, not ", hex.size(), " characters"));
  }
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = DigitValue(hex[2 * i]);
    const int low = DigitValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a SHA-256 has lower-case hex digits only; see position ",
          high < 0 ? 2 * i : 2 * i + 1));
    }
    digest.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

absl::StatusOr<Digest> Digest::FromBytes(std::string_view raw) {
  Digest digest;
  if (raw.size() != digest.bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a SHA-256 has 32 bytes, not ", raw.size()));
  }
  std::memcpy(digest.bytes.data(), raw.data(), raw.size());
  return digest;
}

std::string_view Digest::AsBytes() const {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Digest Sha256(std::span<const std::byte> bytes) {
  Digest digest;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.bytes.data(), nullptr,
                 EVP_sha256(), nullptr) != 1) {
    internal::OpenSslFailed("EVP_Digest");
  }
  return digest;
}

Digest Sha256(std::string_view bytes) {
  return Sha256(std::as_bytes(std::span(bytes)));
}

struct Sha256Stream::Context {
  Context() : hash(EVP_MD_CTX_new()) {
    if (hash == nullptr ||
        EVP_DigestInit_ex(hash, EVP_sha256(), nullptr) != 1) {
      internal::OpenSslFailed("EVP_DigestInit_ex");
    }
  }
  ~Context() { EVP_MD_CTX_free(hash); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* hash;
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(context_->hash, bytes.data(), bytes.size()) != 1) {
    internal::OpenSslFailed("EVP_DigestUpdate");
  }
}

Digest Sha256Stream::Finish() {
  Digest digest;
  if (EVP_DigestFinal_ex(context_->hash, digest.bytes.data(), nullptr) != 1) {
    internal::OpenSslFailed("EVP_DigestFinal_ex");
  }
  return digest;
}

}  // namespace tributary
