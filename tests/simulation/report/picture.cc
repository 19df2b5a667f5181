// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/report/picture.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

namespace tributary::simulation {
namespace {

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

std::uint32_t BigEndian(const std::string& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number = (number << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return number;
}

// The predictor of filter type 4 (ISO/IEC 15948, 9.4).
int Paeth(int left, int above, int corner) {
  const int guess = left + above - corner;
  const int to_left = std::abs(guess - left);
  const int to_above = std::abs(guess - above);
  const int to_corner = std::abs(guess - corner);
  if (to_left <= to_above && to_left <= to_corner) return left;
  return to_above <= to_corner ? above : corner;
}

}  // namespace

Colour ColourFromHex(const std::string& hex) {
  const auto channel = [&](std::size_t at) {
    return static_cast<int>(
        std::strtol(hex.substr(at, 2).c_str(), nullptr, 16));
  };
  return {channel(1), channel(3), channel(5)};
}

int DistanceOf(const Colour& a, const Colour& b) {
  return std::max({std::abs(a.red - b.red), std::abs(a.green - b.green),
                   std::abs(a.blue - b.blue)});
}

absl::StatusOr<Picture> Picture::FromPng(const std::string& bytes) {
  if (bytes.compare(0, 8, "\x89PNG\r\n\x1a\n") != 0) return Damaged("no PNG");
  Picture picture;
  std::string packed;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = BigEndian(bytes, at);
    const std::string type = bytes.substr(at + 4, 4);
    const std::size_t data = at + 8;
    if (length > bytes.size() - data - 4) return Damaged("a chunk is cut");
    if (type == "IHDR") {
      picture.width_ = static_cast<int>(BigEndian(bytes, data));
      picture.height_ = static_cast<int>(BigEndian(bytes, data + 4));
      const int kind = bytes[data + 9];
      picture.channels_ = kind == 2 ? 3 : kind == 6 ? 4 : 0;
      if (bytes[data + 8] != 8 || picture.channels_ == 0 ||
          bytes[data + 12] != 0) {
        return Damaged("not 8 bits RGB or RGBA, or interlaced");
      }
    } else if (type == "IDAT") {
      packed += bytes.substr(data, length);
    }
    at = data + length + 4;
  }
  const auto height = static_cast<std::size_t>(picture.height_);
  const auto channels = static_cast<std::size_t>(picture.channels_);
  const std::size_t row = static_cast<std::size_t>(picture.width_) * channels;
  std::vector<std::uint8_t> raw(height * (row + 1));
  uLongf size = raw.size();
  if (raw.empty() ||
      uncompress(raw.data(), &size,
                 reinterpret_cast<const Bytef*>(packed.data()),
                 packed.size()) != Z_OK ||
      size != raw.size()) {
    return Damaged("the pixels do not unpack");
  }
  picture.samples_.resize(height * row);
  for (std::size_t y = 0; y < height; ++y) {
    const int filter = raw[y * (row + 1)];
    for (std::size_t i = 0; i < row; ++i) {
      std::uint8_t* const here = &picture.samples_[y * row + i];
      const int left = i >= channels ? here[-static_cast<long>(channels)] : 0;
      const int above = y > 0 ? here[-static_cast<long>(row)] : 0;
      const int corner =
          y > 0 && i >= channels ? here[-static_cast<long>(row + channels)] : 0;
      const int guesses[] = {0, left, above, (left + above) / 2,
                             Paeth(left, above, corner)};
      if (filter > 4) return Damaged("unknown filter");
      *here = static_cast<std::uint8_t>(raw[y * (row + 1) + 1 + i] +
                                        guesses[filter]);
    }
  }
  return picture;
}

Colour Picture::At(int x, int y) const {
  const std::uint8_t* const pixel =
      &samples_[(static_cast<std::size_t>(y) *
                     static_cast<std::size_t>(width_) +
                 static_cast<std::size_t>(x)) *
                static_cast<std::size_t>(channels_)];
  return {pixel[0], pixel[1], pixel[2]};
}

int Picture::NearestAround(double x, double y, int reach,
                           const Colour& colour) const {
  int nearest = 255;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const int px = static_cast<int>(x) + dx;
      const int py = static_cast<int>(y) + dy;
      if (px < 0 || py < 0 || px >= width_ || py >= height_) continue;
      nearest = std::min(nearest, DistanceOf(At(px, py), colour));
    }
  }
  return nearest;
}

}  // namespace tributary::simulation
