// SPDX-License-Identifier: Apache-2.0
// Turning images. Pure.
#pragma once

#include <cstddef>
#include <span>

namespace tributary::simulation {

// Turns height x width pixels, row by row from the top, counter-clockwise about
// the centre: each pixel is read, bilinearly, from where it came from, and is 0
// if that lies outside. Multiples of 90 degrees of square images move pixels
// exactly. In place.
void RotateImage(std::span<float> pixels, std::size_t height, std::size_t width,
                 double degrees);

}  // namespace tributary::simulation
