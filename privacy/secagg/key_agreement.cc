// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/key_agreement.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/random.h"

namespace tributary::secagg {
namespace {

using KeyContextPtr =
    std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using KdfPtr = std::unique_ptr<EVP_KDF, FreeWith<EVP_KDF_free>>;
using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, FreeWith<EVP_KDF_CTX_free>>;

// Fetching an algorithm costs more than running it.
EVP_KDF* Hkdf() {
  static const auto& kdf =
      *new KdfPtr(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  if (kdf == nullptr) internal::OpenSslFailed("EVP_KDF_fetch");
  return kdf.get();
}

}  // namespace

PeerKey::PeerKey(const PublicKey& key)
    : key_(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, key.data(),
                                       key.size())) {
  if (key_ == nullptr) internal::OpenSslFailed("EVP_PKEY_new_raw_public_key");
}

KeyPair::KeyPair(Secret secret)
    : secret_(std::move(secret)),
      key_(EVP_PKEY_new_raw_private_key(
          EVP_PKEY_X25519, nullptr, secret_.bytes().data(), Secret::kSize)) {
  std::size_t size = public_.size();
  if (key_ == nullptr ||
      EVP_PKEY_get_raw_public_key(key_.get(), public_.data(), &size) != 1 ||
      size != public_.size()) {
    internal::OpenSslFailed("EVP_PKEY_new_raw_private_key");
  }
}

// OpenSSL makes a key, too, but what it gives a private key out of stays in
// memory that it gives back.
KeyPair KeyPair::Generate() {
  Secret secret;
  SystemRandom().Fill(secret.bytes());
  return KeyPair(std::move(secret));
}

KeyPair KeyPair::FromSecret(const Secret& secret) {
  return KeyPair(secret.Copy());
}

absl::StatusOr<Secret> KeyPair::Agree(const PeerKey& peer) const {
  const KeyContextPtr context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) != 1) {
    internal::OpenSslFailed("EVP_PKEY_derive_set_peer_ex");
  }
  Secret shared;
  std::size_t size = Secret::kSize;
  const bool is_derived =
      EVP_PKEY_derive(context.get(), shared.bytes().data(), &size) == 1 &&
      size == Secret::kSize;
  // OpenSSL refuses a zero result itself; RFC 7748, section 6.1, wants it
  // checked, and a check that somebody else may drop is none.
  if (!is_derived || shared == Secret()) {
    ERR_clear_error();
    return absl::InvalidArgumentError("an X25519 key of low order");
  }
  return shared;
}

Secret DeriveSecret(std::span<const std::uint8_t> secret,
                    std::span<const std::uint8_t> salt, std::string_view info) {
  const KdfContextPtr context(EVP_KDF_CTX_new(Hkdf()));
  char hash[] = "SHA256";
  // OpenSSL reads these and writes none.
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_KEY, const_cast<std::uint8_t*>(secret.data()),
          secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                        const_cast<std::uint8_t*>(salt.data()),
                                        salt.size()),
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()), info.size()),
      OSSL_PARAM_construct_end()};
  Secret derived;
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), derived.bytes().data(), Secret::kSize,
                     parameters) != 1) {
    internal::OpenSslFailed("EVP_KDF_derive");
  }
  return derived;
}

}  // namespace tributary::secagg
