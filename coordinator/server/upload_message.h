// SPDX-License-Identifier: Apache-2.0
// The framing of one UploadMessage, read where it lies: its bytes are in
// several slices, and the data must go to the spool without a copy. Strict:
// exactly one of header and data, nothing else.
//
//   header   0x0A length UploadHeader        data   0x12 length bytes
//
// Pure; allocates nothing but the header's fields and the list of pieces.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/federation.pb.h"

namespace tributary::coordinator {

using Bytes = std::span<const std::byte>;

// Most bytes of data in one message.
inline constexpr std::size_t kMaxChunk = 1u << 20;

enum class UploadPart { kHeader, kData };

// Finds the payload of the message that lies in `slices`. `payload` is cleared
// and filled with views into the slices. InvalidArgument on anything else than
// one field of at most kMaxChunk bytes.
absl::StatusOr<UploadPart> FindPayload(std::span<const Bytes> slices,
                                       std::vector<Bytes>& payload);

// The header in a payload that FindPayload found.
absl::StatusOr<v1::UploadHeader> ReadUploadHeader(
    std::span<const Bytes> payload);

}  // namespace tributary::coordinator
