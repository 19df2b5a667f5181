// SPDX-License-Identifier: Apache-2.0
// Vectors of floats for code that is compiled for several widths: templates
// over the number of lanes, inlined into functions that say which instructions
// they use.
#pragma once

#define TRIBUTARY_INLINE [[gnu::always_inline]] static inline

namespace tributary::torch_internal {

template <int kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(4),
               gnu::may_alias]] = float;
};
template <int kLanes>
using Vector = typename VectorOf<kLanes>::Type;

}  // namespace tributary::torch_internal
