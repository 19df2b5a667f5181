// SPDX-License-Identifier: Apache-2.0
// Windows of a series: consecutive samples as one example. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tributary/v1/plan.pb.h"

namespace tributary::datasets {

// Calls `take` with the first sample of each window that lies within `first`
// .. `end` (excluded).
template <typename Take>
void ForEachWindow(const v1::DataSource::Window& window, std::size_t first,
                   std::size_t end, Take take) {
  for (; first < end && end - first >= window.length();
       first += window.stride()) {
    take(first);
  }
}

// Appends `length` samples from `first` on as channels x length. The series is
// row-major: a sample is a row of `channels` values.
void AppendWindow(std::span<const float> series, std::size_t channels,
                  std::size_t first, std::size_t length,
                  std::vector<float>& features);

// The sample with which the test part of a series begins.
std::size_t BeginOfTest(std::size_t samples, double test_fraction);

// The part of a series of which BeginOfTest is `cut`: first sample and end.
struct Range {
  std::size_t first;
  std::size_t end;
};
Range RangeOf(v1::DataSource::Part part, std::size_t cut, std::size_t samples);

}  // namespace tributary::datasets
