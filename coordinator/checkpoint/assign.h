// SPDX-License-Identifier: Apache-2.0
// TRIBUTARY_ASSIGN(x, expression): x = the value, or return the error. Keeps a
// decoder one line a field.
#pragma once

#define TRIBUTARY_ASSIGN(target, expression)                          \
  do {                                                                \
    auto tributary_assigned = (expression);                           \
    if (!tributary_assigned.ok()) return tributary_assigned.status(); \
    target = *std::move(tributary_assigned);                          \
  } while (false)
