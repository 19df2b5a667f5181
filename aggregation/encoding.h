// SPDX-License-Identifier: Apache-2.0
// How an update is compressed on the wire. All multi-byte values are little
// endian; n is the length of the flat vector.
//
//   float32   n x f32
//   bfloat16  n x u16, the upper half of the f32, round to nearest even
//   int8      blocks of 1,024 values (the last may be shorter): f32 scale,
//             then i8 q each; x = q * scale, scale = max|x| / 127,
//             q rounded stochastically: E[q * scale] = x
//   top-k     blocks of 65,536 coordinates: u32 count, then count x
//             (u16 index in the block, strictly increasing; f32 value)
//
// Encode/decode are pure; a decoder is one object per update, used by one
// thread at a time. Wire layout: docs/wire.md, "Encodings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary::aggregation {

enum class Encoding { kFloat32, kBfloat16, kInt8, kTopK };

std::string_view Name(Encoding encoding);

struct EncodingOptions {
  Encoding encoding = Encoding::kFloat32;
  // kTopK: fraction of the coordinates sent, in (0, 1]; at least one is.
  double top_k_fraction = 0.01;
  absl::Status Validate() const;
};

// Uniform 64-bit words for stochastic rounding.
using Words = std::function<std::uint64_t()>;

// The encoded bytes of `values`, which are finite. `words` is drawn from by
// kInt8 only and may be empty otherwise. No decoded value is larger in
// magnitude than the largest one given, so what was within a bound stays within
// it. Values that are not finite give an update that decodes to some that are
// not, or not at all. kTopK: of equal magnitudes the lower coordinate is sent.
std::vector<std::byte> Encode(const EncodingOptions& options,
                              std::span<const float> values,
                              const Words& words);

// Smallest and largest number of bytes an update of `length` floats can take.
struct SizeRange {
  std::uint64_t min;
  std::uint64_t max;
};
SizeRange EncodedSize(Encoding encoding, std::size_t length);

// Turns a stream of bytes, cut anywhere, into blocks of floats in increasing
// order of offset. Allocates at most one block (256 KiB), whatever it is fed.
class UpdateDecoder {
 public:
  // Receives values that stand at `offset`. Coordinates that are never passed
  // are zero. Must not keep the span. An error it returns ends the decoding and
  // is returned by Feed.
  using Sink =
      std::function<absl::Status(std::size_t offset, std::span<const float>)>;

  UpdateDecoder(Encoding encoding, std::size_t length);

  // InvalidArgument, naming the byte offset, on anything the encoding does not
  // allow, including more bytes than `length` floats can take. Blocks passed on
  // have at most 65,536 values; where the encoding is kFloat32 and `bytes` is
  // aligned for floats they are the caller's bytes, not a copy. After an error
  // every call returns that error.
  absl::Status Feed(std::span<const std::byte> bytes, const Sink& sink);
  // InvalidArgument if the update is not complete.
  absl::Status Finish() const;

 private:
  template <typename Wire, typename Convert>
  absl::Status FeedNumbers(std::span<const std::byte> bytes, const Sink& sink,
                           Convert convert);
  absl::Status FeedFloat32(std::span<const std::byte> bytes, const Sink& sink);
  absl::Status FeedInt8(std::span<const std::byte> bytes, const Sink& sink);
  absl::Status FeedTopK(std::span<const std::byte> bytes, const Sink& sink);
  // The next whole item of `size` bytes, or null if `bytes` ends inside it;
  // then its beginning is kept for the next call.
  const std::byte* TakeItem(std::span<const std::byte>& bytes,
                            std::size_t size);
  absl::Status Emit(std::span<const float> values, const Sink& sink);
  // Top-k: a decoded coordinate, joined with its neighbours into one run.
  absl::Status AddToRun(std::size_t coordinate, float value, const Sink& sink);
  absl::Status EndRun(const Sink& sink);
  absl::Status Refuse(std::string_view reason) const;

  Encoding encoding_;
  std::size_t length_;
  absl::Status status_;
  std::size_t position_ = 0;        // coordinates decoded
  std::uint64_t consumed_ = 0;      // bytes of whole items decoded
  std::vector<std::byte> partial_;  // room for the longest item
  std::size_t partial_size_ = 0;    // bytes of an unfinished item in it
  std::vector<float> block_;        // decoded values to pass on
  // Top-k: what is left of the block at position_, and where its run starts.
  bool is_in_block_ = false;
  std::uint32_t pairs_left_ = 0;
  std::size_t next_index_ = 0;  // lowest index in the block still allowed
  std::size_t run_start_ = 0;
};

}  // namespace tributary::aggregation
