// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew.h"

#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("effective classes count what a client holds evenly") {
  const Partition partition({{0, 1, 2, 3}, {4, 5}, {}});
  const std::vector<float> targets = {0, 1, 2, 3, 7, 7};
  const Skew skew = MeasureSkew(partition, targets);
  CHECK(skew.classes == std::vector<int>{0, 1, 2, 3, 7});
  CHECK(skew.clients[0].effective_classes == Approx(4));
  CHECK(skew.clients[1].effective_classes == Approx(1));
  CHECK(skew.clients[1].histogram == std::vector<std::size_t>{0, 0, 0, 0, 2});
  CHECK(skew.clients[2].examples == 0);
}

TEST_CASE("the skew of real targets is their sizes") {
  const Partition partition({{0, 2}, {1}});
  const Skew skew = MeasureSkew(partition, std::vector<float>{0.5f, 1, 2});
  CHECK(skew.classes.empty());
  CHECK(FormatSkew(skew) ==
        "2 clients, 3 examples; smallest 1, median 2, largest 2\n"
        "\n"
        "client       examples\n"
        "client-0000         2\n"
        "client-0001         1\n");
}

TEST_CASE("the skew of classes is a table with a line a client") {
  const Partition partition({{0, 1, 2}, {3}});
  const Skew skew = MeasureSkew(partition, std::vector<float>{0, 0, 1, 1});
  CHECK(FormatSkew(skew) ==
        "2 clients, 4 examples; smallest 1, median 3, largest 3\n"
        "2 classes; effective classes of a client, mean: 1.40\n"
        "\n"
        "client       examples effective   [0]   [1]\n"
        "client-0000         3      1.80     2     1\n"
        "client-0001         1      1.00     0     1\n");
}

}  // namespace
}  // namespace tributary::simulation
