// SPDX-License-Identifier: Apache-2.0
// Charts as a test reads them: the attributes of a drawing, and its curves
// turned back into numbers.
#pragma once

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "simulation/report/line_chart.h"

namespace tributary::simulation {

// The text between `before` and `after`, from `at` on, which moves behind it;
// "" and npos if it is not there.
inline std::string TextBetween(const std::string& text,
                               const std::string& before,
                               const std::string& after, std::size_t& at) {
  if (at == std::string::npos) return "";
  const std::size_t found = text.find(before, at);
  if (found == std::string::npos) return at = found, "";
  const std::size_t begin = found + before.size();
  const std::size_t end = text.find(after, begin);
  if (end == std::string::npos) return at = end, "";
  at = end + after.size();
  return text.substr(begin, end - begin);
}

inline std::string TextBetween(const std::string& text,
                               const std::string& before,
                               const std::string& after) {
  std::size_t at = 0;
  return TextBetween(text, before, after, at);
}

// The drawings of a page, each from <svg to </svg>.
inline std::vector<std::string> Drawings(const std::string& page) {
  std::vector<std::string> drawings;
  std::size_t at = 0;
  while (true) {
    const std::string inside = TextBetween(page, "<svg ", "</svg>", at);
    if (at == std::string::npos) return drawings;
    drawings.push_back("<svg " + inside + "</svg>");
  }
}

inline std::string AttributeOf(const std::string& drawing,
                               const std::string& name) {
  return TextBetween(drawing, " " + name + "=\"", "\"");
}

// The drawing of this title; empty if the page has none.
inline std::string DrawingOf(const std::string& page,
                             const std::string& title) {
  for (const std::string& drawing : Drawings(page)) {
    if (AttributeOf(drawing, "data-chart") == title) return drawing;
  }
  return "";
}

inline std::vector<double> NumbersIn(std::string text) {
  for (char& c : text) {
    if (c == 'M' || c == 'L') c = ' ';
  }
  std::istringstream in(text);
  std::vector<double> numbers;
  for (double number = 0; in >> number;) numbers.push_back(number);
  return numbers;
}

// Where a curve's points lie in the drawing; empty if there is no such curve.
inline std::vector<Point> PathOf(const std::string& drawing,
                                 const std::string& curve) {
  std::size_t at = drawing.find("data-name=\"" + curve + "\"");
  const auto numbers = NumbersIn(TextBetween(drawing, " d=\"", "\"", at));
  std::vector<Point> points;
  for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
    points.push_back({numbers[i], numbers[i + 1]});
  }
  return points;
}

// A curve's points as numbers again, by the area and the ends that the drawing
// names.
inline std::vector<Point> CurveOf(const std::string& drawing,
                                  const std::string& curve) {
  const auto area = NumbersIn(AttributeOf(drawing, "data-area"));
  const auto x = NumbersIn(AttributeOf(drawing, "data-x"));
  const auto y = NumbersIn(AttributeOf(drawing, "data-y"));
  std::vector<Point> points = PathOf(drawing, curve);
  for (Point& point : points) {
    point.x = x.at(0) + (point.x - area.at(0)) / (area.at(2) - area.at(0)) *
                            (x.at(1) - x.at(0));
    point.y = y.at(0) + (area.at(3) - point.y) / (area.at(3) - area.at(1)) *
                            (y.at(1) - y.at(0));
  }
  return points;
}

}  // namespace tributary::simulation
