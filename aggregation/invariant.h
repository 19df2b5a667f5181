// SPDX-License-Identifier: Apache-2.0
// A broken invariant is our bug: say what was compared, print both values, and
// stop. Never for bad input, which is a Status.
//
//   TRIBUTARY_INVARIANT(offset + values.size(), <=, layout.length);
#pragma once

#include <cstdio>
#include <cstdlib>

#define TRIBUTARY_INVARIANT(left, relation, right)                        \
  do {                                                                    \
    const auto invariant_left = (left);                                   \
    const auto invariant_right = (right);                                 \
    if (!(invariant_left relation invariant_right)) {                     \
      std::fprintf(stderr, "%s:%d: broken: %s %s %s (%.17g and %.17g)\n", \
                   __FILE__, __LINE__, #left, #relation, #right,          \
                   static_cast<double>(invariant_left),                   \
                   static_cast<double>(invariant_right));                 \
      std::abort();                                                       \
    }                                                                     \
  } while (false)
