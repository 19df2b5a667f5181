// SPDX-License-Identifier: Apache-2.0
#include "simulation/received_update.h"

#include <utility>

#include "absl/status/status.h"
#include "aggregation/invariant.h"
#include "coordinator/secure/packed_check.h"

namespace tributary::simulation {
namespace {

using aggregation::BlockDefect;
using round::Refusal;

// What a decoder's sink answers when a value is wrong; the defect says how.
absl::Status WrongValue() { return absl::InvalidArgumentError("value"); }

}  // namespace

Refusal Verify(const UpdateFormat& format, const v1::UpdateHeader& header,
               std::span<const std::byte> bytes) {
  if (bytes.size() != header.size()) return Refusal::kWrongSize;
  Refusal wrong_value = Refusal::kBadEncoding;
  const aggregation::UpdateDecoder::Sink check =
      [&](std::size_t offset, std::span<const float> values) {
        switch (aggregation::CheckBlock(format.layout, offset, values)) {
          case BlockDefect::kNone:
            return absl::OkStatus();
          case BlockDefect::kNotFinite:
            wrong_value = Refusal::kNotFinite;
            return WrongValue();
          case BlockDefect::kOverBound:
            wrong_value = Refusal::kOverBound;
            return WrongValue();
        }
        return WrongValue();
      };
  aggregation::UpdateDecoder decoder(format.encoding, format.layout.length);
  const absl::Status decoded = decoder.Feed(bytes, check);
  return decoded.ok() && decoder.Finish().ok() ? Refusal::kNone : wrong_value;
}

Refusal Verify(std::shared_ptr<const coordinator::IntegerRound> round,
               std::span<const std::byte> bytes) {
  coordinator::PackedCheck check(std::move(round), coordinator::Masks::kOff);
  const Refusal fed = check.Feed(bytes).refusal;
  return fed == Refusal::kNone ? check.Finish().refusal : fed;
}

void Fold(const UpdateFormat& format, std::span<const std::byte> bytes,
          std::uint32_t weight, aggregation::NarrowSum& sum) {
  aggregation::UpdateDecoder decoder(format.encoding, format.layout.length);
  const absl::Status added = decoder.Feed(
      bytes, [&](std::size_t offset, std::span<const float> values) {
        sum.AddBlock(offset, values, weight);
        return absl::OkStatus();
      });
  TRIBUTARY_INVARIANT(added.ok(), ==, true);
}

}  // namespace tributary::simulation
