// SPDX-License-Identifier: Apache-2.0
#include "simulation/report/chart_frame.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "simulation/report/colour.h"
#include "simulation/report/markup.h"

namespace tributary::simulation {
namespace {

constexpr double kPlotHeight = 210;
constexpr double kLine = 18;
constexpr double kKeySample = 26;
constexpr double kTextSize = 12;

std::string Numbers(std::initializer_list<double> values) {
  std::string text;
  for (const double value : values) {
    absl::StrAppend(&text, text.empty() ? "" : " ", Coordinate(value));
  }
  return text;
}

// The ends of an axis exactly, for those who compute with them.
std::string Ends(const Axis& axis) {
  return absl::StrFormat("%.17g %.17g", axis.low, axis.high);
}

std::string Text(double x, double y, const std::string& attributes,
                 const std::string& text) {
  return absl::StrCat("<text x=\"", Coordinate(x), "\" y=\"", Coordinate(y),
                      "\" ", attributes, ">", Escape(text), "</text>");
}

std::string Line(double x1, double y1, double x2, double y2,
                 const std::string& attributes) {
  return absl::StrCat("<line x1=\"", Coordinate(x1), "\" y1=\"", Coordinate(y1),
                      "\" x2=\"", Coordinate(x2), "\" y2=\"", Coordinate(y2),
                      "\" stroke=\"currentColor\" ", attributes, "/>");
}

std::string LabelWithUnit(const std::string& label, const Axis& axis) {
  return axis.unit.name.empty()
             ? label
             : absl::StrCat(label, " (", std::string(axis.unit.name), ")");
}

}  // namespace

double TextWidth(const std::string& text) {
  std::size_t characters = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++characters;
  }
  return kTextSize * 0.58 * static_cast<double>(characters);
}

ChartFrame::ChartFrame(Layout layout)
    : layout_(std::move(layout)),
      x_axis_(
          MakeAxis(layout_.x.lowest, layout_.x.highest, layout_.x.quantity, 8)),
      y_axis_(MakeAxis(layout_.y.lowest, layout_.y.highest, layout_.y.quantity,
                       5)) {
  double widest = 0;
  for (const double tick : y_axis_.Ticks()) {
    widest = std::max(widest, TextWidth(y_axis_.TickText(tick)));
  }
  left_ = 30 + widest;
  right_ = kWidth - 20;
  top_ = 32;
  PlaceKeys();
  bottom_ = top_ + kPlotHeight;
  height_ = bottom_ + 42;
}

void ChartFrame::PlaceKeys() {
  if (layout_.keys.empty()) return;
  double x = left_;
  for (const Key& key : layout_.keys) {
    const double width = kKeySample + TextWidth(key.name) + 24;
    if (x > left_ && x + width > kWidth) {
      x = left_;
      top_ += kLine;
    }
    keys_.push_back({key, x, top_});
    x += width;
  }
  top_ += kLine;
}

double ChartFrame::X(double value) const {
  return left_ + x_axis_.Share(value) * (right_ - left_);
}

double ChartFrame::Y(double value) const {
  return bottom_ - y_axis_.Share(value) * (bottom_ - top_);
}

std::string ChartFrame::DrawLevel(double value, const std::string& name) const {
  const std::string text =
      absl::StrCat(name, " ", FormatQuantity(layout_.y.quantity, value));
  return absl::StrCat(
      Line(left_, Y(value), right_, Y(value),
           "stroke-dasharray=\"4 4\" stroke-opacity=\"0.7\""),
      // On the left, where curves have not come near it yet.
      Text(left_ + 4, Y(value) - 5, "fill-opacity=\"0.8\"", text));
}

std::string ChartFrame::DrawKeys() const {
  std::string keys;
  for (const PlacedKey& placed : keys_) {
    const std::string colour(ColourOf(placed.key.index));
    absl::StrAppend(
        &keys, "<line x1=\"", Coordinate(placed.x), "\" y1=\"",
        Coordinate(placed.y), "\" x2=\"", Coordinate(placed.x + 20), "\" y2=\"",
        Coordinate(placed.y), "\" stroke=\"", colour,
        "\" stroke-width=\"3\" stroke-dasharray=\"",
        std::string(DashesOf(placed.key.index)), "\"/>",
        Text(placed.x + kKeySample, placed.y + 4, "", placed.key.name));
  }
  return keys;
}

std::string ChartFrame::DrawAxes() const {
  std::string axes;
  for (const double tick : y_axis_.Ticks()) {
    absl::StrAppend(
        &axes, Line(left_, Y(tick), right_, Y(tick), "stroke-opacity=\"0.15\""),
        Text(left_ - 6, Y(tick) + 4, "text-anchor=\"end\"",
             y_axis_.TickText(tick)));
  }
  for (const double tick : x_axis_.Ticks()) {
    absl::StrAppend(
        &axes,
        Line(X(tick), bottom_, X(tick), bottom_ + 4, "stroke-opacity=\"0.6\""),
        Text(X(tick), bottom_ + 17, "text-anchor=\"middle\"",
             x_axis_.TickText(tick)));
  }
  absl::StrAppend(
      &axes, Line(left_, bottom_, right_, bottom_, "stroke-opacity=\"0.6\""),
      Text((left_ + right_) / 2, bottom_ + 35, "text-anchor=\"middle\"",
           LabelWithUnit(layout_.x.label, x_axis_)));
  const double middle = (top_ + bottom_) / 2;
  absl::StrAppend(&axes, Text(12, middle,
                              absl::StrCat("text-anchor=\"middle\" "
                                           "transform=\"rotate(-90 12 ",
                                           Coordinate(middle), ")\""),
                              LabelWithUnit(layout_.y.label, y_axis_)));
  return axes;
}

std::string ChartFrame::Wrap(const std::string& body) const {
  return absl::StrCat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"chart\" "
      "viewBox=\"0 0 ",
      Numbers({kWidth, height_}), "\" data-chart=\"", Escape(layout_.title),
      "\" data-area=\"", Numbers({left_, top_, right_, bottom_}),
      "\" data-x=\"", Ends(x_axis_), "\" data-y=\"", Ends(y_axis_),
      "\" font-family=\"system-ui, sans-serif\" font-size=\"",
      Coordinate(kTextSize), "\" fill=\"currentColor\"><title>",
      Escape(layout_.title), "</title>",
      Text(left_, 16, "font-weight=\"600\" font-size=\"14\"", layout_.title),
      DrawKeys(), DrawAxes(), body, "</svg>\n");
}

}  // namespace tributary::simulation
