// SPDX-License-Identifier: Apache-2.0
// LibTorch's process-wide settings, put so that the same task gives the same
// bits. This header needs no LibTorch header.
#pragma once

#include <mutex>

namespace tributary::torch_internal {

// On the calling thread, before it computes: sums in another order round
// differently, so the order must not depend on the number of cores.
void UseOneThread();

// Before the first use of a CUDA device: of several kernels one that sums in a
// fixed order, at float32's own precision. What has none fails and says so.
void UseOneOrder();

// LibTorch has one random generator for all threads: held from seeding it until
// the last draw.
std::mutex& GeneratorMutex();

}  // namespace tributary::torch_internal
