// SPDX-License-Identifier: Apache-2.0
// Promise 2 for trees: the sum of a round is bitwise the same flat and in a
// tree of any shape, through the bytes that aggregators hand up.
#include <rapidcheck.h>

#include <cstring>

#include "aggregation/exact_sum.h"
#include "coordinator/tree/partial_sum.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/server/masked_sum.h"
#include "tests/coordinator/tree/sums.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

using aggregation::ExactSum;
using aggregation::Layout;
using testing::AnyLayout;
using testing::BytesOf;
using testing::Read;

struct Update {
  std::vector<float> values;
  std::uint32_t weight = 1;
};

std::vector<Update> AnyUpdates(RandomSource& random, const Layout& layout,
                               std::size_t count) {
  std::vector<Update> updates(count);
  for (Update& update : updates) {
    update.weight = static_cast<std::uint32_t>(
        1 + random.Below(layout.parameters.max_weight()));
    const auto append = [&](const aggregation::Grid& grid, std::size_t length) {
      for (std::size_t i = 0; i < length; ++i) {
        const double place = 2 * random.Uniform() - 1;
        // Sometimes at the bound itself.
        const bool is_edge = random.Below(5) == 0;
        const float most = grid.LargestValue();
        update.values.push_back(is_edge ? (place < 0 ? -most : most)
                                        : static_cast<float>(place) * most);
      }
    };
    append(layout.parameters, layout.trainable);
    append(layout.buffers, layout.model() - layout.trainable);
    if (layout.auxiliary) append(*layout.auxiliary, layout.auxiliary_length);
  }
  return updates;
}

ExactSum Flat(const Layout& layout, const std::vector<Update>& updates) {
  ExactSum sum(layout);
  for (const Update& update : updates) {
    sum.AddBlock(0, update.values, update.weight);
    sum.AddContribution(update.weight);
  }
  return sum;
}

// A node's children are leaves, and nodes whose sums come as bytes.
ExactSum SumOfTree(RandomSource& random, const Layout& layout,
                   std::span<const Update> updates, int depth) {
  ExactSum sum(layout);
  while (!updates.empty()) {
    const std::size_t count = 1 + random.Below(updates.size());
    if (depth == 0 || random.Below(3) == 0) {
      sum.AddBlock(0, updates.front().values, updates.front().weight);
      sum.AddContribution(updates.front().weight);
      updates = updates.subspan(1);
      continue;
    }
    const ExactSum child =
        SumOfTree(random, layout, updates.first(count), depth - 1);
    updates = updates.subspan(count);
    const auto format =
        PartialSumFormat::OfSum(layout, child.contributions(), child.weight())
            .value();
    const auto bytes = BytesOf(format, SourceOf(child));
    RC_ASSERT(bytes.size() == format.Bytes());
    const auto defect = Read(format, bytes, 1 + random.Below(5'000),
                             [&](std::size_t first, auto sums) {
                               sum.AddSums(first, sums);
                               return true;
                             });
    RC_ASSERT(defect.detail == "");
    sum.AddContributions(child.weight(), child.contributions());
  }
  return sum;
}

TEST_CASE("flat and a tree of any shape give the same sum and mean") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    Layout layout = AnyLayout(random, 700);
    if (layout.length == 0) ++layout.length;
    const auto updates = AnyUpdates(random, layout, 1 + random.Below(30));
    const ExactSum flat = Flat(layout, updates);
    const ExactSum tree =
        SumOfTree(random, layout, updates, static_cast<int>(random.Below(5)));
    RC_ASSERT(std::ranges::equal(flat.sums(), tree.sums()));
    RC_ASSERT(flat.weight() == tree.weight());
    RC_ASSERT(flat.contributions() == tree.contributions());
    std::vector<float> mean(layout.length);
    std::vector<float> tree_mean(layout.length);
    flat.MeanBlock(0, mean);
    tree.MeanBlock(0, tree_mean);
    RC_ASSERT(std::memcmp(mean.data(), tree_mean.data(),
                          mean.size() * sizeof(float)) == 0);
  }));
}

using Words = std::vector<std::uint64_t>;

// What edges do where the root unmasks: they add words that say nothing.
Words MaskedTree(RandomSource& random, std::span<const Words> inputs, int bits,
                 int depth) {
  const std::size_t length = inputs.front().size();
  Words sum(length);
  while (!inputs.empty()) {
    const std::size_t count = 1 + random.Below(inputs.size());
    const bool is_leaf = depth == 0 || random.Below(3) == 0;
    const Words child =
        is_leaf ? inputs.front()
                : MaskedTree(random, inputs.first(count), bits, depth - 1);
    inputs = inputs.subspan(is_leaf ? 1 : count);
    const auto format = PartialSumFormat::OfMaskedWords(length, bits);
    std::vector<std::byte> bytes(secagg::PackedSize(length, bits));
    secagg::Pack(child, bits, bytes);
    RC_ASSERT(bytes.size() == format.Bytes());
    const auto defect = Read(format, bytes, 1 + random.Below(500),
                             [&](std::size_t first, auto words) {
                               for (const std::int64_t word : words) {
                                 sum[first++] +=
                                     static_cast<std::uint64_t>(word);
                               }
                               return true;
                             });
    RC_ASSERT(defect.detail == "");
  }
  return sum;
}

TEST_CASE("masked words add up through a tree as they do flat") {
  CHECK(rc::check([](std::uint64_t seed) {
    KeyedStream random(KeyFromSeed(seed));
    const int bits = static_cast<int>(8 + random.Below(55));
    const std::size_t length = 1 + random.Below(300);
    std::vector<Words> inputs(1 + random.Below(20), Words(length));
    secagg::MaskedSum flat(length, bits);
    for (Words& input : inputs) {
      for (std::uint64_t& word : input) word = random.Word();
      std::vector<std::byte> bytes(secagg::PackedSize(length, bits));
      secagg::Pack(input, bits, bytes);
      flat.Add(0, length, bytes);
    }
    const Words tree =
        MaskedTree(random, inputs, bits, static_cast<int>(random.Below(4)));
    for (std::size_t i = 0; i < length; ++i) {
      RC_ASSERT(flat.At(i) == secagg::Centred(tree[i], bits));
    }
  }));
}

}  // namespace
}  // namespace tributary::coordinator
