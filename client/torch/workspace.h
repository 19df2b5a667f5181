// SPDX-License-Identifier: Apache-2.0
// Memory for floats that grows to the most that was asked for, and stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace tributary::torch_internal {

// Floats aligned for every vector unit. Growing loses the contents.
class Workspace {
 public:
  float* AtLeast(std::int64_t count) {
    if (count > count_) {
      floats_.reset(static_cast<float*>(::operator new(
          static_cast<std::size_t>(count) * sizeof(float), kAlignment)));
      count_ = count;
    }
    return floats_.get();
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* floats) const {
      ::operator delete(floats, kAlignment);
    }
  };
  std::unique_ptr<float, Free> floats_;
  std::int64_t count_ = 0;
};

}  // namespace tributary::torch_internal
