// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/shamir.h"

#include <openssl/crypto.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace tributary::secagg {
namespace {

static_assert(std::endian::native == std::endian::little);

// x^16 = x^12 + x^3 + x + 1
constexpr std::uint16_t kReduction = 0x100B;
constexpr std::size_t kElements = Secret::kSize / 2;
using Elements = std::array<std::uint16_t, kElements>;

std::uint16_t Double(std::uint16_t a) {
  return static_cast<std::uint16_t>((a << 1) ^ (-(a >> 15) & kReduction));
}

std::uint16_t Multiply(std::uint16_t a, std::uint16_t b) {
  std::uint16_t product = 0;
  for (int i = 15; i >= 0; --i) {
    product = Double(product);
    product ^= static_cast<std::uint16_t>(-(b >> i & 1)) & a;
  }
  return product;
}

// a^(2^16 - 2).
std::uint16_t Inverse(std::uint16_t a) {
  std::uint16_t inverse = 1;
  std::uint16_t power = a;
  for (int i = 1; i < 16; ++i) {
    power = Multiply(power, power);
    inverse = Multiply(inverse, power);
  }
  return inverse;
}

// total <- total * factor + added, element by element. The compiler makes
// vectors of it; `factor` is public.
void MultiplyAdd(Elements& total, std::uint16_t factor, const Elements& added) {
  Elements product{};
  for (int bit = 15; bit >= 0; --bit) {
    const auto taken = static_cast<std::uint16_t>(-(factor >> bit & 1));
    for (std::size_t i = 0; i < kElements; ++i) {
      product[i] = Double(product[i]) ^ (taken & total[i]);
    }
  }
  for (std::size_t i = 0; i < kElements; ++i) {
    total[i] = product[i] ^ added[i];
  }
}

Elements ToElements(const Secret& secret) {
  return std::bit_cast<Elements>(
      *reinterpret_cast<const std::array<std::uint8_t, Secret::kSize>*>(
          secret.bytes().data()));
}

Secret ToSecret(const Elements& elements) {
  Secret secret;
  std::memcpy(secret.bytes().data(), elements.data(), Secret::kSize);
  return secret;
}

}  // namespace

std::vector<Secret> ShareSecret(const Secret& secret, std::uint32_t threshold,
                                std::uint32_t holders, RandomSource& random) {
  if (threshold < 1 || threshold > holders || holders > kMaxHolders) {
    std::abort();
  }
  // Coefficients from the highest down to the secret itself.
  SecretVector<Elements> polynomial(threshold);
  random.Fill({reinterpret_cast<std::uint8_t*>(polynomial.data()),
               (threshold - 1) * sizeof(Elements)});
  polynomial.back() = ToElements(secret);

  std::vector<Secret> shares;
  shares.reserve(holders);
  Elements value;
  for (std::uint32_t place = 0; place < holders; ++place) {
    value = polynomial.front();
    for (std::uint32_t i = 1; i < threshold; ++i) {
      MultiplyAdd(value, static_cast<std::uint16_t>(place + 1), polynomial[i]);
    }
    shares.push_back(ToSecret(value));
  }
  OPENSSL_cleanse(value.data(), sizeof value);
  return shares;
}

ShareRecovery::ShareRecovery(std::span<const std::uint32_t> places) {
  // l_i(0) = prod_{j != i} x_j / (x_i + x_j)
  weights_.reserve(places.size());
  for (const std::uint32_t place : places) {
    if (place >= kMaxHolders) std::abort();
    std::uint16_t above = 1;
    std::uint16_t below = 1;
    for (const std::uint32_t other : places) {
      if (other == place) continue;
      above = Multiply(above, static_cast<std::uint16_t>(other + 1));
      below = Multiply(below,
                       static_cast<std::uint16_t>((place + 1) ^ (other + 1)));
    }
    weights_.push_back(Multiply(above, Inverse(below)));
  }
}

Secret ShareRecovery::Recover(std::span<const Secret* const> shares) const {
  if (shares.size() != weights_.size()) std::abort();
  Elements sum{};
  Elements share;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    share = ToElements(*shares[i]);
    MultiplyAdd(share, weights_[i], sum);
    sum = share;
  }
  Secret secret = ToSecret(sum);
  OPENSSL_cleanse(share.data(), sizeof share);
  OPENSSL_cleanse(sum.data(), sizeof sum);
  return secret;
}

}  // namespace tributary::secagg
