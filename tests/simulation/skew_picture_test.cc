// SPDX-License-Identifier: Apache-2.0
#include "simulation/skew_picture.h"

#include <rapidcheck.h>

#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

using Parts = std::vector<std::uint32_t>;

// The heights of the rectangles in the first group whose tooltip begins so.
std::vector<double> HeightsIn(const std::string& svg,
                              const std::string& tooltip) {
  const std::size_t begin = svg.find("<g><title>" + tooltip);
  if (begin == std::string::npos) return {};
  const std::string group = svg.substr(begin, svg.find("</g>", begin) - begin);
  const std::regex rect("<rect [^>]*height=\"([0-9.]+)\"");
  std::vector<double> heights;
  for (std::sregex_iterator at(group.begin(), group.end(), rect), end;
       at != end; ++at) {
    heights.push_back(std::atof((*at)[1].str().c_str()));
  }
  return heights;
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

TEST_CASE("a sample is even, with the first and the last") {
  CHECK(SampleEvenly(3, 50) == std::vector<std::size_t>{0, 1, 2});
  CHECK(SampleEvenly(101, 5) == std::vector<std::size_t>{0, 25, 50, 75, 100});
  CHECK(SampleEvenly(1'000'000, 50).size() == 50);
  CHECK(SampleEvenly(1'000'000, 50).back() == 999'999);
}

TEST_CASE("every client is in one bin, and bins have no gaps") {
  CHECK(rc::check([](const std::vector<std::uint16_t>& sizes) {
    RC_PRE(!sizes.empty());
    Parts part_of;
    for (std::uint32_t part = 0; part < sizes.size(); ++part) {
      part_of.insert(part_of.end(), sizes[part], part);
    }
    const Partition partition(part_of, sizes.size(), 3);
    const auto bins = BinSizes(partition);
    RC_ASSERT(!bins.empty() && bins.size() <= 24u);
    std::size_t clients = 0;
    for (std::size_t i = 0; i < bins.size(); ++i) {
      RC_ASSERT(bins[i].least <= bins[i].most);
      if (i > 0) RC_ASSERT(bins[i].least == bins[i - 1].most + 1);
      std::size_t within = 0;
      for (const std::uint16_t size : sizes) {
        within += size >= bins[i].least && size <= bins[i].most ? 3 : 0;
      }
      RC_ASSERT(bins[i].clients == within);
      clients += within;
    }
    RC_ASSERT(clients == 3 * sizes.size());
  }));
}

TEST_CASE("bars are as high as what they stand for") {
  // 60 of class 0 and 20 of class 1; 10 of class 1.
  Parts part_of(80, 0);
  part_of.insert(part_of.end(), 10, 1);
  std::vector<float> targets(60, 0);
  targets.insert(targets.end(), 30, 1);
  const Partition partition(part_of, 2);
  const std::string svg = DrawSkew(Skew(partition, targets));
  const auto first = HeightsIn(svg, "client-0000: 80 examples");
  const auto second = HeightsIn(svg, "client-0001: 10 examples");
  REQUIRE(first.size() == 2);
  REQUIRE(second.size() == 1);
  // The axis ends at 80, and a panel is 200 high.
  CHECK(first[0] == Approx(150));
  CHECK(first[1] == Approx(50));
  CHECK(second[0] == Approx(25));
  CHECK(HeightsIn(svg, "10-11 examples: 1 client") ==
        std::vector<double>{200});
}

TEST_CASE("a million clients are fifty bars") {
  const std::vector<float> targets = {0, 1, 1, 2};
  const Partition partition(Parts{0, 1, 2, 3}, 4, 250'000);
  const std::string svg = DrawSkew(Skew(partition, targets));
  CHECK(Count(svg, "<g><title>client-") == 50);
  CHECK(absl::StrContains(svg, "Examples of 50 of the 1000000 clients"));
  CHECK(svg.size() < 100'000);
}

TEST_CASE("the picture stands alone") {
  const Partition partition(Parts{0, 1}, 2);
  const std::string svg = DrawSkew(Skew(partition, std::vector<float>{0, 1}));
  CHECK(absl::StartsWith(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(Count(svg, "<g>") == Count(svg, "</g>"));
  CHECK(Count(svg, "<text ") == Count(svg, "</text>"));
  for (const char* foreign : {"href", "url(", "<script", "@import"}) {
    CHECK_FALSE(absl::StrContains(svg, foreign));
  }
}

}  // namespace
}  // namespace tributary::simulation
