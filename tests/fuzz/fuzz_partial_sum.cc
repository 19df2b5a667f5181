// SPDX-License-Identifier: Apache-2.0
// Any bytes as a partial sum, cut anywhere: what is taken has the right size,
// no bits behind a part's end and integers within their bounds, and is written
// again to the same bytes. Any bytes as its announcement and pages of leaves:
// what is taken says the same when it is sent on. Input: what they are; then
// leaves, parameters, buffers and size of a piece, and the sum; or the message.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

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
  v1::LeafPage page;
  if (!page.ParseFromArray(data.data(), size) ||
      !codec::CheckLimits(page).ok()) {
    return;
  }
  std::vector<round::ClientId> names;
  for (const std::string& name : page.leaves()) names.push_back({name});
  const auto set = round::LeafSet::Make(std::move(names));
  round::Subtree announced{
      .epoch = 1,
      .leaves = static_cast<std::uint32_t>(page.leaves_size()),
      .weight = 1,
      .names = {}};
  if (set.ok()) announced.names = set->Name();
  LeafPages pages(announced);
  const auto status = pages.Add(page);
  Demand(status.ok() || !status.message().empty());
  if (!status.ok() || !pages.IsComplete()) return;
  const auto taken = std::move(pages).Take();
  Demand(taken.ok() == set.ok());
  Demand(taken.ok() ? *taken == *set : !taken.status().message().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> all(data, size);
  if (all[0] % 4 == 3) {
    CheckMessages(all.subspan(1));
  } else {
    CheckSum(all);
  }
  return 0;
}
