// SPDX-License-Identifier: Apache-2.0
#include "simulation/svg.h"

#include <string>
#include <utility>

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

TEST_CASE("a picture is its shapes in their order, text escaped") {
  Svg svg(20, 10, "a < b");
  svg.BeginGroup("x & \"y\"");
  svg.Line(0, 1, 2.5, 3, "#000000");
  svg.EndGroup();
  svg.Text(1, 2, "<b>", {.anchor = Svg::Anchor::kEnd, .size = 9});
  CHECK(std::move(svg).Finish() ==
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"10\" "
        "viewBox=\"0 0 20 10\" role=\"img\" aria-label=\"a &lt; b\" "
        "font-family=\"sans-serif\">\n"
        "<rect x=\"0.00\" y=\"0.00\" width=\"20.00\" height=\"10.00\" "
        "fill=\"#ffffff\"/>\n"
        "<g><title>x &amp; &quot;y&quot;</title>\n"
        "<line x1=\"0.00\" y1=\"1.00\" x2=\"2.50\" y2=\"3.00\" "
        "stroke=\"#000000\"/>\n"
        "</g>\n"
        "<text x=\"1.00\" y=\"2.00\" font-size=\"9\" text-anchor=\"end\" "
        "fill=\"#333333\">&lt;b&gt;</text>\n"
        "</svg>\n");
}

}  // namespace
}  // namespace tributary::simulation
