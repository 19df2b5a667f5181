// SPDX-License-Identifier: Apache-2.0
// How a rule's work is spread over threads, and how much of the updates it
// holds at a time. Neither changes a bit of any result.
#pragma once

#include <cstddef>
#include <functional>

namespace tributary::robust {

// Runs task(0) .. task(count - 1), each once, in any order and on any threads,
// and returns when all are done.
using ForEach = std::function<void(
    std::size_t count, const std::function<void(std::size_t)>& task)>;

// One after another, on the thread that calls.
void InOrder(std::size_t count, const std::function<void(std::size_t)>& task);

struct Execution {
  ForEach for_each = InOrder;
  // Bytes of all updates together that are held at a time, what pre-steps make
  // of them included: small enough to stay in a cache, large enough for the
  // disk. At least kStrip coordinates of each are, whatever this says.
  std::size_t block_bytes = std::size_t{16} << 20;
};

}  // namespace tributary::robust
