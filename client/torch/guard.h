// SPDX-License-Identifier: Apache-2.0
// The edge where LibTorch's exceptions become a Status.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace tributary::torch_internal {

// The first lines of a LibTorch message; the rest is its own call stack.
inline std::string Shortened(std::string message) {
  constexpr std::size_t kLongest = 1000;
  if (message.size() > kLongest) {
    message.resize(kLongest);
    message += " ...";
  }
  return message;
}

// What `body` returns (a Status or a StatusOr), or InvalidArgument
// "<what>: <LibTorch's message>" if it threw.
template <typename Body>
auto Guarded(const std::string& what, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(what + ": out of memory");
  } catch (const c10::Error& error) {
    return absl::InvalidArgumentError(
        what + ": " + Shortened(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(what + ": " + Shortened(error.what()));
  }
}

}  // namespace tributary::torch_internal
