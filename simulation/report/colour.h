// SPDX-License-Identifier: Apache-2.0
// Colours that people tell apart whatever their eyes, of M. Okabe and K. Ito,
// "Color Universal Design" (2008), without the yellow that paper swallows.
// Lines of one colour and on grey paper differ by their dashes.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tributary::simulation {

inline constexpr std::array<std::string_view, 7> kColours = {
    "#0072B2",   // blue
    "#D55E00",   // vermilion
    "#009E73",   // bluish green
    "#CC79A7",   // reddish purple
    "#E69F00",   // orange
    "#56B4E9",   // sky blue
    "#7F7F7F"};  // grey

inline constexpr std::array<std::string_view, 4> kDashes = {"none", "7 3",
                                                            "2 3", "9 3 2 3"};

constexpr std::string_view ColourOf(std::size_t series) {
  return kColours[series % kColours.size()];
}
constexpr std::string_view DashesOf(std::size_t series) {
  return kDashes[series % kDashes.size()];
}

}  // namespace tributary::simulation
