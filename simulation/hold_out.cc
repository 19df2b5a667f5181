// SPDX-License-Identifier: Apache-2.0
#include "simulation/hold_out.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "simulation/partitions/shuffle.h"

namespace tributary::simulation {
namespace {

// Parts, one after the other, as a Partition wants them.
struct Parts {
  std::vector<std::uint32_t> examples;
  std::vector<std::size_t> starts{0};

  void Add(std::span<const std::uint32_t> order,
           std::span<const std::uint32_t> part) {
    const std::size_t begin = examples.size();
    for (const std::uint32_t place : order) examples.push_back(part[place]);
    std::sort(examples.begin() + static_cast<std::ptrdiff_t>(begin),
              examples.end());
    starts.push_back(examples.size());
  }
};

}  // namespace

HeldOut HoldOut(const Partition& whole, double fraction, const Key& run_key) {
  Parts train;
  Parts test;
  for (std::size_t part = 0; part < whole.parts(); ++part) {
    const std::span<const std::uint32_t> examples = whole.Of(part);
    auto kept = static_cast<std::size_t>(fraction *
                                         static_cast<double>(examples.size()));
    if (kept == 0 && examples.size() > 1) kept = 1;
    KeyedStream random(run_key, absl::StrCat("client test ", part));
    const auto order = ShuffledOrder(examples.size(), random);
    test.Add(std::span(order).first(kept), examples);
    train.Add(std::span(order).subspan(kept), examples);
  }
  HeldOut parts = {Partition(std::move(train.examples), std::move(train.starts),
                             whole.holders()),
                   Partition(std::move(test.examples), std::move(test.starts),
                             whole.holders())};
  parts.train.AddAdversaries(whole.adversaries());
  return parts;
}

}  // namespace tributary::simulation
