// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "client/torch/fused_layer.h"

namespace tributary::torch_internal {
namespace {

// A batch as planes; a 1-D example has planes of one line.
struct Extents {
  std::int64_t height = 1, width = 1;
  std::int64_t window_height = 1, window_width = 1;

  std::int64_t out_height() const { return height / window_height; }
  std::int64_t out_width() const { return width / window_width; }
  std::int64_t in_plane() const { return height * width; }
  std::int64_t out_plane() const { return out_height() * out_width(); }
};

// The largest of each window and which of the window's positions it has. Loops
// over windows whose extents are known here (those over 0) vanish, and the one
// over columns vectorises.
template <int kHeight, int kWidth>
void PoolPlanes(const Extents& extents, std::int64_t planes, const float* x,
                float* __restrict y, std::int32_t* __restrict position) {
  const std::int64_t height = kHeight > 0 ? kHeight : extents.window_height;
  const std::int64_t width = kWidth > 0 ? kWidth : extents.window_width;
  const std::int64_t columns = extents.out_width();
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t line = 0; line < extents.out_height(); ++line) {
      const float* __restrict from =
          x + (plane * extents.height + line * height) * extents.width;
      for (std::int64_t column = 0; column < columns; ++column) {
        float largest = from[column * width];
        std::int32_t at = 0;
        for (int i = 0; i < height; ++i) {
          for (int j = 0; j < width; ++j) {
            const float value = from[i * extents.width + column * width + j];
            // The first of equal ones, and NaN before all, as in LibTorch.
            const bool is_larger = (value > largest) | (value != value);
            largest = is_larger ? value : largest;
            at = is_larger ? i * static_cast<int>(width) + j : at;
          }
        }
        y[column] = largest;
        position[column] = at;
      }
      y += columns;
      position += columns;
    }
  }
}

class MaxPool final : public FusedLayer {
 public:
  MaxPool(const layer::MaxPool& pool, const Shape& input) : planes_(input[0]) {
    extents_.width = input.back();
    extents_.window_width = pool.window;
    if (input.size() == 3) {
      extents_.height = input[1];
      extents_.window_height = pool.window;
    }
    for (std::int64_t i = 0; i < extents_.window_height; ++i) {
      for (std::int64_t j = 0; j < extents_.window_width; ++j) {
        offsets_.push_back(i * extents_.width + j);
      }
    }
  }

  const float* Forward(const float* x, std::int64_t rows) override {
    const std::int64_t planes = rows * planes_;
    const std::int64_t count = planes * extents_.out_plane();
    float* y = y_.AtLeast(count);
    position_.resize(
        std::max(position_.size(), static_cast<std::size_t>(count)));
    if (extents_.window_height == 2 && extents_.window_width == 2) {
      PoolPlanes<2, 2>(extents_, planes, x, y, position_.data());
    } else if (extents_.window_height == 1 && extents_.window_width == 2) {
      PoolPlanes<1, 2>(extents_, planes, x, y, position_.data());
    } else {
      PoolPlanes<0, 0>(extents_, planes, x, y, position_.data());
    }
    return y;
  }

  float* Backward(const float*, const float*, float* dy, std::int64_t rows,
                  const Descent&, InputGradient) override {
    const std::int64_t planes = rows * planes_;
    const std::int64_t lines = extents_.out_height();
    const std::int64_t columns = extents_.out_width();
    float* dx = dx_.AtLeast(planes * extents_.in_plane());
    std::fill_n(dx, planes * extents_.in_plane(), 0.0f);
    const std::int32_t* position = position_.data();
    for (std::int64_t line = 0; line < planes * lines; ++line) {
      float* to = dx + line / lines * extents_.in_plane() +
                  line % lines * extents_.window_height * extents_.width;
      for (std::int64_t column = 0; column < columns; ++column) {
        to[column * extents_.window_width +
           offsets_[static_cast<std::size_t>(position[column])]] = dy[column];
      }
      position += columns;
      dy += columns;
    }
    return dx;
  }

 private:
  const std::int64_t planes_;
  Extents extents_;
  Workspace y_, dx_;
  // From a window's corner to each of its positions.
  std::vector<std::int64_t> offsets_;
  // Where each output stands in its window.
  std::vector<std::int32_t> position_;
};

}  // namespace

std::unique_ptr<FusedLayer> FusedMaxPool(const layer::MaxPool& pool,
                                         const Shape& input) {
  return std::make_unique<MaxPool>(pool, input);
}

}  // namespace tributary::torch_internal
