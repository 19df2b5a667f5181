// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew.h"

#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Parts = std::vector<std::uint32_t>;

std::string TableOf(const Skew& skew) {
  std::ostringstream out;
  WriteTable(skew, out);
  return out.str();
}

TEST_CASE("effective classes count what a client holds evenly") {
  const Partition partition(Parts{0, 0, 0, 0, 1, 1}, 3);
  const Skew skew(partition, std::vector<float>{0, 1, 2, 3, 7, 7});
  CHECK(skew.classes() == std::vector<int>{0, 1, 2, 3, 7});
  CHECK(skew.Of(0).effective_classes == Approx(4));
  CHECK(skew.Of(1).effective_classes == Approx(1));
  CHECK(skew.Of(1).histogram == std::vector<std::uint32_t>{0, 0, 0, 0, 2});
  CHECK(skew.Of(2).examples == 0);
  // Of those who hold something.
  CHECK(skew.summary().effective_classes == Approx(2.5));
}

TEST_CASE("the distance is the share of labels that would have to change") {
  // Whole: 3/4 of class 0. First client: all 0; second: half and half.
  const Partition partition(Parts{0, 0, 1, 1}, 2);
  const Skew skew(partition, std::vector<float>{0, 0, 0, 1});
  CHECK(skew.Of(0).distance == Approx(0.25));
  CHECK(skew.Of(1).distance == Approx(0.25));
  const Partition alike(Parts{0, 1, 0, 1}, 2);
  const Skew none(alike, std::vector<float>{0, 0, 1, 1});
  CHECK(none.summary().distance == Approx(0));
  const Partition apart(Parts{0, 1}, 2);
  CHECK(Skew(apart, std::vector<float>{0, 1}).summary().distance ==
        Approx(0.5));
}

TEST_CASE("the skew of real targets is their sizes") {
  const Partition partition(Parts{0, 1, 0}, 2);
  const Skew skew(partition, std::vector<float>{0.5f, 1, 2});
  CHECK(skew.classes().empty());
  CHECK(FormatSummary(skew) ==
        "2 clients, 3 examples; smallest 1, median 2, largest 2\n");
  CHECK(TableOf(skew) ==
        "client       examples\n"
        "client-0000         2\n"
        "client-0001         1\n");
}

TEST_CASE("the skew of classes is a table with a line a client") {
  const Partition partition(Parts{0, 0, 0, 1}, 2);
  const Skew skew(partition, std::vector<float>{0, 0, 1, 1});
  CHECK(FormatSummary(skew) ==
        "2 clients, 4 examples; smallest 1, median 3, largest 3\n"
        "2 classes; effective classes of a client, mean: 1.40; distance of its "
        "labels from the whole, mean: 0.333\n");
  CHECK(TableOf(skew) ==
        "client       examples effective distance   [0]   [1]\n"
        "client-0000         3      1.80    0.167     2     1\n"
        "client-0001         1      1.00    0.500     0     1\n");
}

TEST_CASE("examples that clients share are declared and shown once") {
  const Partition partition(Parts{0, 1, 1}, 2, 500);
  const Skew skew(partition, std::vector<float>{0.5f, 1, 2});
  CHECK(FormatSummary(skew) ==
        "1000 clients, 3 examples; smallest 1, median 2, largest 2\n"
        "repeat: each example is held by 500 clients; client k holds what "
        "client k modulo 2 holds\n");
  CHECK(TableOf(skew) ==
        "client       examples\n"
        "client-0000         1\n"
        "client-0001         2\n");
}

TEST_CASE("a natural partition says whose data are whose") {
  const Partition partition(Parts{0, 1}, 2);
  const Skew skew(partition, std::vector<float>{0.5f, 1}, {},
                  {"Juliet", "a\nb"});
  CHECK(TableOf(skew) ==
        "client       examples  owner\n"
        "client-0000         1  Juliet\n"
        "client-0001         1  a\\nb\n");
}

TEST_CASE("a feature shift is shown client by client") {
  v1::Partition::FeatureShift shift;
  shift.set_noise(0.5);
  shift.add_rotation_degrees(0);
  shift.add_rotation_degrees(90);
  const Partition partition(Parts{0, 1}, 2);
  const Skew skew(partition, std::vector<float>{0.5f, 1},
                  FeatureShift(shift, 2, KeyFromSeed(1)));
  CHECK(FormatSummary(skew) ==
        "2 clients, 2 examples; smallest 1, median 1, largest 1\n"
        "feature shift: noise of 0.25 to 0.5, more from client to client\n"
        "feature shift: images are rotated by an angle of each client\n");
  CHECK(TableOf(skew) ==
        "client       examples     noise  degrees\n"
        "client-0000         1      0.25     0.00\n"
        "client-0001         1       0.5    90.00\n");
}

}  // namespace
}  // namespace tributary::simulation
