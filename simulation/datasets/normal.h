// SPDX-License-Identifier: Apache-2.0
// Normal draws from a source of random bytes. Pure but for the source.
#pragma once

#include "privacy/crypto/random.h"

namespace tributary::datasets {

// A standard normal variate (Marsaglia's polar method).
double Normal(RandomSource& random);

}  // namespace tributary::datasets
