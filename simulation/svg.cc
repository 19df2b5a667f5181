// SPDX-License-Identifier: Apache-2.0
#include "simulation/svg.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace tributary::simulation {
namespace {

std::string Escaped(std::string_view text) {
  return absl::StrReplaceAll(
      std::string(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

const char* AnchorName(Svg::Anchor anchor) {
  switch (anchor) {
    case Svg::Anchor::kStart:
      return "start";
    case Svg::Anchor::kMiddle:
      return "middle";
    case Svg::Anchor::kEnd:
      return "end";
  }
  return "start";
}

}  // namespace

Svg::Svg(double width, double height, std::string_view description)
    : text_(absl::StrFormat(
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.10g\" "
          "height=\"%.10g\" viewBox=\"0 0 %.10g %.10g\" role=\"img\" "
          "aria-label=\"%s\" font-family=\"sans-serif\">\n",
          width, height, width, height, Escaped(description))) {
  Rect(0, 0, width, height, "#ffffff");
}

void Svg::Rect(double x, double y, double width, double height,
               std::string_view fill) {
  absl::StrAppendFormat(&text_,
                        "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                        "height=\"%.2f\" fill=\"%s\"/>\n",
                        x, y, width, height, Escaped(fill));
}

void Svg::Line(double x1, double y1, double x2, double y2,
               std::string_view stroke) {
  absl::StrAppendFormat(&text_,
                        "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" "
                        "y2=\"%.2f\" stroke=\"%s\"/>\n",
                        x1, y1, x2, y2, Escaped(stroke));
}

void Svg::Text(double x, double y, std::string_view text,
               const TextStyle& style) {
  absl::StrAppendFormat(&text_,
                        "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.10g\" "
                        "text-anchor=\"%s\" fill=\"%s\">%s</text>\n",
                        x, y, style.size, AnchorName(style.anchor),
                        Escaped(style.fill), Escaped(text));
}

void Svg::BeginGroup(std::string_view tooltip) {
  absl::StrAppend(&text_, "<g><title>", Escaped(tooltip), "</title>\n");
}

void Svg::EndGroup() { text_ += "</g>\n"; }

std::string Svg::Finish() && {
  text_ += "</svg>\n";
  return std::move(text_);
}

}  // namespace tributary::simulation
