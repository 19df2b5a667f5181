// SPDX-License-Identifier: Apache-2.0
// A screenshot as pixels: the PNG files that browsers write (8 bits a channel,
// not interlaced; ISO/IEC 15948).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary::simulation {

struct Colour {
  int red = 0;
  int green = 0;
  int blue = 0;
};

// "#0072B2".
Colour ColourFromHex(const std::string& hex);
// Largest difference of a channel.
int DistanceOf(const Colour& a, const Colour& b);

class Picture {
 public:
  static absl::StatusOr<Picture> FromPng(const std::string& bytes);

  int width() const { return width_; }
  int height() const { return height_; }
  // From the upper left corner.
  Colour At(int x, int y) const;
  // The least distance of a pixel to `colour` within `reach` pixels of here.
  int NearestAround(double x, double y, int reach, const Colour& colour) const;

 private:
  int width_ = 0;
  int height_ = 0;
  int channels_ = 0;
  std::vector<std::uint8_t> samples_;
};

}  // namespace tributary::simulation
