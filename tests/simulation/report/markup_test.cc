// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/markup.h"

#include <string>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

const std::string kReplaced = "\xEF\xBF\xBD";

TEST_CASE("text that looks like markup stays text") {
  CHECK(Escape("<script>alert('1 & \"2\"')</script>") ==
        "&lt;script&gt;alert(&#39;1 &amp; &quot;2&quot;&#39;)&lt;/script&gt;");
}

TEST_CASE("characters of every length pass") {
  const std::string text = "a\tb\n\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8A";
  CHECK(Escape(text) == text);
}

TEST_CASE("what is no text is replaced byte by byte") {
  CHECK(Escape(std::string("a\0b", 3)) == "a" + kReplaced + "b");
  CHECK(Escape("\x1b[2J\x7f") == kReplaced + "[2J" + kReplaced);
  // Torn, overlong, a surrogate, beyond U+10FFFF (RFC 3629 section 10).
  CHECK(Escape("\xE2\x82") == kReplaced + kReplaced);
  CHECK(Escape("\xC0\xAF") == kReplaced + kReplaced);
  CHECK(Escape("\xED\xA0\x80") == kReplaced + kReplaced + kReplaced);
  CHECK(Escape("\xF4\x90\x80\x80") ==
        kReplaced + kReplaced + kReplaced + kReplaced);
  CHECK(Escape("\xFF<") == kReplaced + "&lt;");
}

TEST_CASE("coordinates are short") {
  CHECK(Coordinate(12.5) == "12.5");
  CHECK(Coordinate(7) == "7");
  CHECK(Coordinate(1.239) == "1.24");
  CHECK(Coordinate(-0.001) == "0");
  CHECK(Coordinate(100) == "100");
}

}  // namespace
}  // namespace tributary::simulation
