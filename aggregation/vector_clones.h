// SPDX-License-Identifier: Apache-2.0
// TRIBUTARY_VECTOR_CLONES before a function's definition: it is compiled for
// several widths of vectors, and the processor's widest is taken when the
// program starts. For loops whose every operation is exact or stands alone, so
// that all widths give the same bits.
#pragma once

// Sanitizers would look at the choice before they are ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(_GLIBCXX_TSAN)
#define TRIBUTARY_VECTOR_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TRIBUTARY_VECTOR_CLONES
#endif
