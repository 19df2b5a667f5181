// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "client/torch/fused_layer.h"

namespace tributary::torch_internal {
namespace {

// A batch as planes; a 1-D example has planes of one line. Extents of a window
// that are known when compiled make the inner loops short enough to vectorise.
struct Extents {
  std::int64_t height = 1, width = 1;
  std::int64_t window_height = 1, window_width = 1;

  std::int64_t out_height() const { return height / window_height; }
  std::int64_t out_width() const { return width / window_width; }
};

template <typename Index>
void Forward(const Extents& extents, std::int64_t planes, const float* x,
             float* y, Index* index, auto window_height, auto window_width) {
  const std::int64_t lines = extents.out_height();
  const std::int64_t columns = extents.out_width();
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t line = 0; line < lines; ++line) {
      const float* from =
          x + (plane * extents.height + line * window_height) * extents.width;
      for (std::int64_t column = 0; column < columns; ++column) {
        float largest = from[column * window_width];
        int at = 0;
        for (int i = 0; i < window_height; ++i) {
          for (int j = 0; j < window_width; ++j) {
            const float value =
                from[i * extents.width + column * window_width + j];
            // The first of equal ones, and NaN before all, as in LibTorch.
            const bool larger = value > largest || value != value;
            largest = larger ? value : largest;
            at = larger ? i * window_width + j : at;
          }
        }
        y[column] = largest;
        index[column] = static_cast<Index>(at);
      }
      y += columns;
      index += columns;
    }
  }
}

template <typename Index>
void Backward(const Extents& extents, std::int64_t planes, const float* dy,
              const Index* index, float* dx, auto window_height,
              auto window_width) {
  const std::int64_t lines = extents.out_height();
  const std::int64_t columns = extents.out_width();
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t line = 0; line < lines; ++line) {
      float* to =
          dx + (plane * extents.height + line * window_height) * extents.width;
      for (std::int64_t column = 0; column < columns; ++column) {
        for (int i = 0; i < window_height; ++i) {
          for (int j = 0; j < window_width; ++j) {
            to[i * extents.width + column * window_width + j] =
                index[column] == i * window_width + j ? dy[column] : 0;
          }
        }
      }
      dy += columns;
      index += columns;
    }
  }
}

template <int kExtent>
using Known = std::integral_constant<int, kExtent>;

// Calls `body(window_height, window_width)`.
void WithWindow(const Extents& extents, auto body) {
  if (extents.window_width == 2 && extents.window_height == 2) {
    body(Known<2>(), Known<2>());
  } else if (extents.window_width == 2 && extents.window_height == 1) {
    body(Known<1>(), Known<2>());
  } else {
    body(static_cast<int>(extents.window_height),
         static_cast<int>(extents.window_width));
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
    has_rest_ = extents_.height % extents_.window_height != 0 ||
                extents_.width % extents_.window_width != 0;
  }

  const float* Forward(const float* x, std::int64_t rows) override {
    const std::int64_t planes = rows * planes_;
    const std::int64_t count =
        planes * extents_.out_height() * extents_.out_width();
    float* y = y_.AtLeast(count);
    index_.resize(std::max(index_.size(), static_cast<std::size_t>(count)));
    WithWindow(extents_, [&](auto height, auto width) {
      torch_internal::Forward(extents_, planes, x, y, index_.data(), height,
                              width);
    });
    return y;
  }

  float* Backward(const float*, const float*, float* dy, std::int64_t rows,
                  const Descent&, InputGradient) override {
    const std::int64_t planes = rows * planes_;
    const std::int64_t count = planes * extents_.height * extents_.width;
    float* dx = dx_.AtLeast(count);
    if (has_rest_) std::fill_n(dx, count, 0.0f);
    WithWindow(extents_, [&](auto height, auto width) {
      torch_internal::Backward(extents_, planes, dy, index_.data(), dx, height,
                               width);
    });
    return dx;
  }

 private:
  const std::int64_t planes_;
  Extents extents_;
  bool has_rest_ = false;
  Workspace y_, dx_;
  // Which position of its window is the largest.
  std::vector<std::uint8_t> index_;
};

}  // namespace

std::unique_ptr<FusedLayer> FusedMaxPool(const layer::MaxPool& pool,
                                         const Shape& input) {
  return std::make_unique<MaxPool>(pool, input);
}

}  // namespace tributary::torch_internal
