// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_identities.h"

#include <array>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "privacy/crypto/openssl_failure.h"
#include "privacy/crypto/openssl_objects.h"

namespace tributary::simulation {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSignatureSize = 64;

using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

KeyPtr NewKey() {
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (key == nullptr) internal::OpenSslFailed("EVP_PKEY_Q_keygen");
  return key;
}

std::string PublicKeyOf(EVP_PKEY* key) {
  std::array<unsigned char, kKeySize> bytes;
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) {
    internal::OpenSslFailed("EVP_PKEY_get_raw_public_key");
  }
  return std::string(bytes.begin(), bytes.end());
}

class Answered final : public secagg::AnsweredSessions {
 public:
  absl::Status Remember(const Digest& session) override {
    if (sessions_.insert(session).second) return absl::OkStatus();
    return absl::AlreadyExistsError("the session was answered before");
  }

 private:
  std::set<Digest> sessions_;
};

class KeySigner final : public secagg::Signer {
 public:
  KeySigner(EVP_PKEY* key, std::string credential)
      : key_(key), credential_(std::move(credential)) {}

  const std::string& credential() const override { return credential_; }

  absl::StatusOr<std::string> Sign(std::string_view statement) override {
    const DigestContextPtr context(EVP_MD_CTX_new());
    std::string signature(kSignatureSize, '\0');
    std::size_t size = signature.size();
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_) !=
            1 ||
        EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size, Bytes(statement), statement.size()) != 1) {
      internal::OpenSslFailed("EVP_DigestSign");
    }
    return signature;
  }

 private:
  EVP_PKEY* key_;
  const std::string credential_;
};

// Outlived by the register that the key is in.
class RegisteredPeer final : public secagg::Peer {
 public:
  RegisteredPeer(EVP_PKEY* key, const std::string& name)
      : key_(key), name_(name) {}

  const std::string& name() const override { return name_; }

  absl::Status Verify(std::string_view statement,
                      std::string_view signature) const override {
    const DigestContextPtr context(EVP_MD_CTX_new());
    if (context == nullptr ||
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_) !=
            1 ||
        EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                         Bytes(statement), statement.size()) != 1) {
      ERR_clear_error();
      return absl::UnauthenticatedError("a signature that is not its owner's");
    }
    return absl::OkStatus();
  }

 private:
  EVP_PKEY* key_;
  const std::string& name_;
};

}  // namespace

// A credential is the public key, then the name.
struct VirtualIdentities::Identity {
  explicit Identity(const std::string& client)
      : name(client), key(NewKey()), signer(key.get(), Credential()) {}

  std::string Credential() const { return PublicKeyOf(key.get()) + name; }

  const std::string name;
  const KeyPtr key;
  KeySigner signer;
  Answered answered;
};

VirtualIdentities::VirtualIdentities() = default;
VirtualIdentities::~VirtualIdentities() = default;

VirtualIdentities::Identity& VirtualIdentities::Enrolled(
    const std::string& client) {
  auto& identity = register_[client];
  if (identity == nullptr) identity = std::make_unique<Identity>(client);
  return *identity;
}

secagg::Signer& VirtualIdentities::SignerOf(const std::string& client) {
  return Enrolled(client).signer;
}

secagg::AnsweredSessions& VirtualIdentities::AnsweredBy(
    const std::string& client) {
  return Enrolled(client).answered;
}

absl::StatusOr<std::unique_ptr<secagg::Peer>> VirtualIdentities::Identify(
    std::string_view credential) const {
  if (credential.size() > kKeySize) {
    const auto found = register_.find(std::string(credential.substr(kKeySize)));
    if (found != register_.end() && found->second->Credential() == credential) {
      return std::make_unique<RegisteredPeer>(found->second->key.get(),
                                              found->second->name);
    }
  }
  return absl::UnauthenticatedError("a credential that is in no register");
}

}  // namespace tributary::simulation
