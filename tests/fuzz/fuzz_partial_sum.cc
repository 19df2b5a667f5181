// SPDX-License-Identifier: Apache-2.0
// Any bytes as a partial sum, cut anywhere: what is taken has the right size,
// no bits behind a part's end and integers within their bounds, and is written
// again to the same bytes. The same of the names of its leaves, and of its
// announcement. Input: what they are; then leaves, parameters, buffers and size
// of a piece, and the sum; or leaves, size of a piece and the names; or the
// message.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "coordinator/tree/leaf_names.h"
#include "coordinator/tree/partial_sum.h"
#include "coordinator/wire/partial_sum.h"
#include "proto/codec/yaml.h"

namespace {

using namespace tributary;
using namespace tributary::coordinator;

void Demand(bool holds) {
  if (!holds) std::abort();
}

PartialSumFormat FormatOf(std::span<const std::uint8_t> head) {
  const std::size_t length = 1 + head[2] + 16 * head[3];
  if (head[0] % 4 == 1) {
    return PartialSumFormat::OfMaskedWords(length, 8 + head[1] % 55);
  }
  if (head[0] % 4 == 2) {
    return PartialSumFormat::OfWords(length, 1 + head[2], 1 + head[1]).value();
  }
  const auto grid = [](double max_abs, int bits) {
    return aggregation::Grid::Make(
               {.max_abs = max_abs, .max_weight = 1, .bits = bits})
        .value();
  };
  const aggregation::Layout layout{head[2], length, grid(0.7, 1 + head[1] % 30),
                                   grid(3, 5)};
  const std::uint64_t leaves = 1 + head[1] / 30;
  return PartialSumFormat::OfSum(layout, leaves, leaves).value();
}

void CheckSum(std::span<const std::uint8_t> data) {
  if (data.size() < 5) return;
  const PartialSumFormat format = FormatOf(data.first(4));
  const std::size_t piece = 1 + data[4];
  const auto bytes = std::as_bytes(data.subspan(5));
  PartialSumReader reader(format);
  std::vector<std::int64_t> sums;
  PartialSumReader::Defect defect;
  for (auto rest = bytes;
       defect.refusal == round::Refusal::kNone && !rest.empty();) {
    const auto some = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(some.size());
    defect = reader.Feed(some, [&](std::size_t first, auto block) {
      Demand(first == sums.size());
      sums.insert(sums.end(), block.begin(), block.end());
      return true;
    });
  }
  if (defect.refusal == round::Refusal::kNone) defect = reader.Finish();
  Demand(sums.size() <= format.length());
  if (defect.refusal != round::Refusal::kNone) {
    Demand(!defect.detail.empty() && defect.detail.size() < 200);
    return;
  }
  Demand(sums.size() == format.length());
  std::vector<std::byte> again;
  Demand(WritePartialSum(
             format,
             [&](std::size_t first, std::span<std::int64_t> out) {
               std::ranges::copy(std::span(sums).subspan(first, out.size()),
                                 out.begin());
             },
             [&](std::span<const std::byte> some) {
               again.insert(again.end(), some.begin(), some.end());
               return absl::OkStatus();
             })
             .ok());
  Demand(std::ranges::equal(again, bytes));
}

void CheckMessages(std::span<const std::uint8_t> data) {
  const int size = static_cast<int>(data.size());
  v1::PartialSum message;
  if (message.ParseFromArray(data.data(), size) &&
      codec::CheckLimits(message).ok()) {
    const auto subtree = ToSubtree(message);
    Demand(subtree.ok() || !subtree.status().message().empty());
    if (subtree.ok())
      Demand(ToSubtree(ToMessage(*subtree)).value() == *subtree);
  }
}

// Any bytes as the names of leaves: what is taken is a set, and is written
// again to the same bytes.
void CheckNames(std::span<const std::uint8_t> data) {
  if (data.size() < 2) return;
  const std::size_t piece = 1 + data[1];
  const auto bytes = std::as_bytes(data.subspan(2));
  round::Subtree announced{
      .epoch = 1, .leaves = 1u + data[0], .weight = 1, .names = Sha256(bytes)};
  LeafNamesReader reader(announced);
  LeafNamesReader::Defect defect;
  for (auto rest = bytes; defect.refusal == round::Refusal::kNone &&
                          !reader.IsComplete() && !rest.empty();) {
    auto some = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(some.size());
    defect = reader.Feed(some);
    Demand(some.empty() || reader.IsComplete() ||
           defect.refusal != round::Refusal::kNone);
  }
  Demand(reader.received() <= bytes.size());
  Demand(reader.received() <= MostNameBytes(announced.leaves));
  if (defect.refusal != round::Refusal::kNone) {
    Demand(!defect.detail.empty() && defect.detail.size() < 200);
    return;
  }
  if (!reader.IsComplete()) return;
  const round::LeafSet leaves = std::move(reader).Take();
  Demand(leaves.size() == announced.leaves);
  Demand(leaves.Name() == announced.names);
  std::vector<std::byte> again;
  Demand(WriteLeafNames(leaves, [&](std::span<const std::byte> some) {
           again.insert(again.end(), some.begin(), some.end());
           return absl::OkStatus();
         }).ok());
  Demand(std::ranges::equal(again, bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> all(data, size);
  if (all[0] % 8 == 3) {
    CheckMessages(all.subspan(1));
  } else if (all[0] % 8 == 7) {
    CheckNames(all.subspan(1));
  } else {
    CheckSum(all);
  }
  return 0;
}
