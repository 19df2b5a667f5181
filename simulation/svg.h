// SPDX-License-Identifier: Apache-2.0
// A picture as SVG that stands alone: no style sheet, script or font of
// elsewhere, so it can be opened as a file or set into a page. Coordinates are
// pixels from the upper left corner.
//
// Pure; one thread.
#pragma once

#include <string>
#include <string_view>

namespace tributary::simulation {

class Svg {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };
  struct TextStyle {
    Anchor anchor = Anchor::kStart;
    double size = 12;  // pixels
    std::string_view fill = "#333333";
  };

  // On a white ground. `description` is read out instead of the picture.
  Svg(double width, double height, std::string_view description);

  void Rect(double x, double y, double width, double height,
            std::string_view fill);
  void Line(double x1, double y1, double x2, double y2,
            std::string_view stroke);
  // `y` is the base line.
  void Text(double x, double y, std::string_view text, const TextStyle& style);
  // What is drawn until EndGroup shows `tooltip` under the pointer.
  void BeginGroup(std::string_view tooltip);
  void EndGroup();

  std::string Finish() &&;

 private:
  std::string text_;
};

}  // namespace tributary::simulation
