// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), RFC 3720 appendix B.4, and the mask under which
// TFRecord files store it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace tributary::simulation {

std::uint32_t Crc32c(std::string_view bytes);

// ((crc >> 15) | (crc << 17)) + 0xa282ead8: a checksum of bytes that hold
// checksums stays a good one (tensorflow/core/lib/hash/crc32c.h).
std::uint32_t MaskedCrc32c(std::string_view bytes);

}  // namespace tributary::simulation
