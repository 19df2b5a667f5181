// SPDX-License-Identifier: Apache-2.0
#include "client/torch/epochs.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/catch.h"

namespace tributary::torch_internal {
namespace {

using Rows = std::vector<std::uint32_t>;

Rows RowsTo(std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

// The rows of one epoch, and the sizes of its batches.
Rows OneEpoch(Epochs& epochs, std::vector<std::size_t>* sizes = nullptr) {
  Rows rows;
  do {
    const auto batch = epochs.Next();
    rows.insert(rows.end(), batch.begin(), batch.end());
    if (sizes != nullptr) sizes->push_back(batch.size());
  } while (!epochs.AtEnd());
  return rows;
}

TEST_CASE(
    "an epoch sees every example once and keeps its last, smaller batch") {
  Epochs epochs(KeyFromSeed(1), RowsTo(10), 4);
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::size_t> sizes;
    Rows rows = OneEpoch(epochs, &sizes);
    CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
    std::sort(rows.begin(), rows.end());
    CHECK(rows == RowsTo(10));
  }
}

TEST_CASE("the order follows from the task's seed and changes with the epoch") {
  Epochs first(KeyFromSeed(1), RowsTo(100), 8),
      again(KeyFromSeed(1), RowsTo(100), 8),
      other(KeyFromSeed(2), RowsTo(100), 8);
  const Rows order = OneEpoch(first);
  CHECK(order == OneEpoch(again));
  CHECK(order != OneEpoch(other));
  CHECK(order != OneEpoch(first));
}

TEST_CASE("the order is one of places, whatever rows stand there") {
  Epochs places(KeyFromSeed(1), {0, 1, 2, 3}, 4);
  Epochs rows(KeyFromSeed(1), {5, 60, 700, 8000}, 4);
  const Rows names = {5, 60, 700, 8000};
  for (int epoch = 0; epoch < 3; ++epoch) {
    const Rows order = OneEpoch(places);
    const Rows got = OneEpoch(rows);
    for (std::size_t i = 0; i < 4; ++i) CHECK(got[i] == names[order[i]]);
  }
}

TEST_CASE("a batch larger than the data is all of it") {
  Epochs epochs(KeyFromSeed(1), RowsTo(3), 100);
  CHECK(epochs.Next().size() == 3);
  CHECK(epochs.AtEnd());
}

}  // namespace
}  // namespace tributary::torch_internal
