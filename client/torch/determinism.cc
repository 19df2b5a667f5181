// SPDX-License-Identifier: Apache-2.0
#include "client/torch/determinism.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <cblas.h>
#include <stdlib.h>

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

void UseOneOrder() {
  static const bool one_order = [] {
    // cuBLAS repeats itself only with a workspace of its own for each stream.
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    at::Context& context = at::globalContext();
    context.setDeterministicAlgorithms(true, /*warn_only=*/false);
    context.setDeterministicCuDNN(true);
    context.setBenchmarkCuDNN(false);
    context.setAllowTF32CuDNN(false);
    context.setAllowTF32CuBLAS(false);
    return true;
  }();
  static_cast<void>(one_order);
}

std::mutex& GeneratorMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace tributary::torch_internal
