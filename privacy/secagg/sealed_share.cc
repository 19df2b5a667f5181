// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/sealed_share.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/openssl_objects.h"
#include "privacy/secagg/statement.h"

namespace tributary::secagg {
namespace {

using CipherContextPtr =
    std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

constexpr std::size_t kPlain = 2 * Secret::kSize;
constexpr std::size_t kTag = 16;
constexpr std::array<unsigned char, 12> kNonce{};
static_assert(kSealedSize == kPlain + kTag);

std::string Associated(const Passage& passage) {
  return Statement("shares")
      .Add(passage.session.AsBytes())
      .Add(passage.from)
      .Add(passage.to)
      .Add(passage.round)
      .bytes();
}

enum class Way { kSeal, kOpen };

// Ready for the text: key, nonce and associated data are in.
CipherContextPtr Start(Way way, const Secret& shared, const Passage& passage) {
  const std::string associated = Associated(passage);
  const Secret key =
      DeriveSecret(shared.bytes(), passage.session.bytes, associated);
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  int written = 0;
  if (context == nullptr ||
      EVP_CipherInit_ex(context.get(), EVP_chacha20_poly1305(), nullptr,
                        key.bytes().data(), kNonce.data(),
                        way == Way::kSeal ? 1 : 0) != 1 ||
      EVP_CipherUpdate(
          context.get(), nullptr, &written,
          reinterpret_cast<const unsigned char*>(associated.data()),
          static_cast<int>(associated.size())) != 1) {
    internal::OpenSslFailed("EVP_CipherInit_ex");
  }
  return context;
}

}  // namespace

SealedText Seal(const Secret& shared, const Passage& passage,
                const HeldShares& shares) {
  const CipherContextPtr context = Start(Way::kSeal, shared, passage);
  SealedText sealed;
  int first = 0;
  int second = 0;
  int rest = 0;
  if (EVP_EncryptUpdate(context.get(), sealed.data(), &first,
                        shares.mask_key.bytes().data(), Secret::kSize) != 1 ||
      EVP_EncryptUpdate(context.get(), sealed.data() + first, &second,
                        shares.self_mask.bytes().data(), Secret::kSize) != 1 ||
      EVP_EncryptFinal_ex(context.get(), sealed.data() + first + second,
                          &rest) != 1 ||
      first + second + rest != static_cast<int>(kPlain) ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTag,
                          sealed.data() + kPlain) != 1) {
    internal::OpenSslFailed("EVP_EncryptFinal_ex");
  }
  return sealed;
}

absl::StatusOr<HeldShares> Open(const Secret& shared, const Passage& passage,
                                const SealedText& sealed) {
  const CipherContextPtr context = Start(Way::kOpen, shared, passage);
  SecretVector<unsigned char> plain(kPlain);
  std::array<unsigned char, kTag> tag;
  std::copy_n(sealed.begin() + kPlain, kTag, tag.begin());
  int written = 0;
  int rest = 0;
  if (EVP_DecryptUpdate(context.get(), plain.data(), &written, sealed.data(),
                        kPlain) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag,
                          tag.data()) != 1) {
    internal::OpenSslFailed("EVP_DecryptUpdate");
  }
  if (EVP_DecryptFinal_ex(context.get(), plain.data() + written, &rest) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("sealed shares that do not open");
  }
  HeldShares shares;
  std::memcpy(shares.mask_key.bytes().data(), plain.data(), Secret::kSize);
  std::memcpy(shares.self_mask.bytes().data(), plain.data() + Secret::kSize,
              Secret::kSize);
  return shares;
}

ShareCommitment CommitToShare(ShareOf what, const Passage& passage,
                              const Secret& share) {
  // DeriveSecret erases what it worked on; a hash of a string would not.
  const Secret hash =
      DeriveSecret(share.bytes(), passage.session.bytes,
                   Statement(what == ShareOf::kMaskKey ? "mask key share"
                                                       : "self mask share")
                       .Add(passage.from)
                       .Add(passage.to)
                       .bytes());
  ShareCommitment commitment;
  std::copy_n(hash.bytes().begin(), commitment.size(), commitment.begin());
  return commitment;
}

Digest CommitToSelfMask(const Digest& session, Index client,
                        const Secret& seed) {
  const Secret hash =
      DeriveSecret(seed.bytes(), session.bytes,
                   Statement("self mask commitment").Add(client).bytes());
  Digest commitment;
  std::copy_n(hash.bytes().begin(), commitment.bytes.size(),
              commitment.bytes.begin());
  return commitment;
}

}  // namespace tributary::secagg
