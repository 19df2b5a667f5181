// SPDX-License-Identifier: Apache-2.0
// What stands around curves and bars: title, key, axes with ticks and units,
// grid. Everything is drawn in the text's own colour. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simulation/report/axis.h"
#include "simulation/report/quantity.h"

namespace tributary::simulation {

class ChartFrame {
 public:
  // Of the drawing, in its own units; a page scales it.
  static constexpr double kWidth = 560;

  struct Direction {
    std::string label;
    Quantity quantity = Quantity::kNumber;
    double lowest = 0;
    double highest = 1;
  };
  // What a curve of this index is.
  struct Key {
    std::string name;
    std::size_t index = 0;
  };
  struct Layout {
    std::string title;
    Direction x;
    Direction y;
    std::vector<Key> keys;
  };

  explicit ChartFrame(Layout layout);

  // Where a value stands in the drawing.
  double X(double value) const;
  double Y(double value) const;
  Quantity x_quantity() const { return layout_.x.quantity; }
  Quantity y_quantity() const { return layout_.y.quantity; }
  double bottom() const { return bottom_; }

  // A dashed line across at a value of y.
  std::string DrawLevel(double value, const std::string& name) const;
  // The whole drawing, with `body` over the grid.
  std::string Wrap(const std::string& body) const;

 private:
  void PlaceKeys();
  std::string DrawKeys() const;
  std::string DrawAxes() const;

  struct PlacedKey {
    Key key;
    double x = 0;
    double y = 0;
  };
  const Layout layout_;
  const Axis x_axis_;
  const Axis y_axis_;
  std::vector<PlacedKey> keys_;
  double left_ = 0;
  double top_ = 0;
  double right_ = 0;
  double bottom_ = 0;
  double height_ = 0;
};

// About how wide a text of the charts' size is.
double TextWidth(const std::string& text);

}  // namespace tributary::simulation
