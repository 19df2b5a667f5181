// SPDX-License-Identifier: Apache-2.0
#include "client/torch/determinism.h"

#include <ATen/Parallel.h>
#include <cblas.h>

#include <exception>

namespace tributary::torch_internal {

// Both settings are partly the calling thread's own.
void UseOneThread() {
  static const bool one_pool = [] {
    try {
      at::set_num_interop_threads(1);
    } catch (const std::exception&) {
      // The application has used the pool already; we do not.
    }
    openblas_set_num_threads(1);  // it has threads of its own
    return true;
  }();
  static_cast<void>(one_pool);
  thread_local const bool one_thread = [] {
    at::set_num_threads(1);
    return true;
  }();
  static_cast<void>(one_thread);
}

std::mutex& GeneratorMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace tributary::torch_internal
