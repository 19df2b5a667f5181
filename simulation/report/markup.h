// SPDX-License-Identifier: Apache-2.0
// Text of others as it may stand in HTML and SVG. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tributary::simulation {

// & < > " ' as entities, so that the text is text between tags and in quoted
// attributes. Control characters other than tab and newline, which XML does not
// allow, and bytes that are no UTF-8 become U+FFFD.
std::string Escape(std::string_view text);

// A coordinate: two decimals, none that are zero. "12.5", "7".
std::string Coordinate(double value);

}  // namespace tributary::simulation
