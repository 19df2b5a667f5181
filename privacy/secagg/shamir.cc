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

// Logarithms to the base x, a generator. For places, which are no secret: where
// a table is read can be seen in the cache.
class PublicTables {
 public:
  PublicTables() : power_(2 * kOrder), log_(kOrder + 1) {
    std::uint16_t value = 1;
    for (std::uint32_t i = 0; i < kOrder; ++i) {
      power_[i] = power_[i + kOrder] = value;
      log_[value] = static_cast<std::uint16_t>(i);
      value = Double(value);
    }
  }
  // Of numbers that are not zero.
  std::uint16_t Multiply(std::uint16_t a, std::uint16_t b) const {
    return power_[std::uint32_t{log_[a]} + log_[b]];
  }
  std::uint16_t Divide(std::uint16_t a, std::uint16_t b) const {
    return power_[std::uint32_t{log_[a]} + kOrder - log_[b]];
  }

 private:
  static constexpr std::uint32_t kOrder = 65535;
  std::vector<std::uint16_t> power_;
  std::vector<std::uint16_t> log_;
};

const PublicTables& Tables() {
  static const auto& tables = *new PublicTables;
  return tables;
}

std::uint16_t PointOf(std::uint32_t place) {
  if (place >= kMaxPlaces) std::abort();
  return static_cast<std::uint16_t>(place + 1);
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
  OPENSSL_cleanse(product.data(), sizeof product);
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
                                std::span<const std::uint32_t> places,
                                RandomSource& random) {
  if (threshold < 1 || threshold > places.size()) std::abort();
  // Coefficients from the highest down to the secret itself.
  SecretVector<Elements> polynomial(threshold);
  random.Fill({reinterpret_cast<std::uint8_t*>(polynomial.data()),
               (threshold - 1) * sizeof(Elements)});
  polynomial.back() = ToElements(secret);

  std::vector<Secret> shares;
  shares.reserve(places.size());
  Elements value;
  for (const std::uint32_t place : places) {
    value = polynomial.front();
    for (std::uint32_t i = 1; i < threshold; ++i) {
      MultiplyAdd(value, PointOf(place), polynomial[i]);
    }
    shares.push_back(ToSecret(value));
  }
  OPENSSL_cleanse(value.data(), sizeof value);
  return shares;
}

ShareRecovery::ShareRecovery(std::span<const std::uint32_t> places) {
  // l_i(0) = prod_{j != i} x_j / (x_i + x_j)
  const PublicTables& tables = Tables();
  weights_.reserve(places.size());
  for (const std::uint32_t place : places) {
    std::uint16_t above = 1;
    std::uint16_t below = 1;
    for (const std::uint32_t other : places) {
      if (other == place) continue;
      above = tables.Multiply(above, PointOf(other));
      below = tables.Multiply(
          below, static_cast<std::uint16_t>(PointOf(place) ^ PointOf(other)));
    }
    weights_.push_back(tables.Divide(above, below));
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
