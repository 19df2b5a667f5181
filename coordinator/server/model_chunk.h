// SPDX-License-Identifier: Apache-2.0
// A chunk of a model as one raw ModelChunk message: read from the file straight
// into the memory that gRPC sends. Thread-safe (a function of its arguments;
// the file is one thread's).
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "coordinator/runner/coordinator.h"
#include "grpcpp/support/byte_buffer.h"

namespace tributary::coordinator {

// Bytes of the file in one message.
inline constexpr std::size_t kModelChunk = 512u << 10;

struct RawModelChunk {
  grpc::ByteBuffer message;
  // Where the next chunk starts; the file's size after the last one.
  std::uint64_t next = 0;
};

enum class ChunkPlace { kFirst, kLater };

// OutOfRange for an offset beyond the end, DataLoss if the file is shorter than
// it says.
absl::StatusOr<RawModelChunk> ReadModelChunk(ModelFile& file,
                                             std::uint64_t offset,
                                             ChunkPlace place);

}  // namespace tributary::coordinator
