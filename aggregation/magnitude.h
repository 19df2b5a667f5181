// SPDX-License-Identifier: Apache-2.0
// The largest magnitude of many floats, at the speed of memory. Pure; any
// thread.
#pragma once

#include <span>

namespace tributary::aggregation {

// 0 if there is none; infinite or NaN if one of the values is.
float LargestMagnitude(std::span<const float> values);

}  // namespace tributary::aggregation
