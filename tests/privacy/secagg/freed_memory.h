// SPDX-License-Identifier: Apache-2.0
// What is in memory as it is given back: the program's operator delete and
// OpenSSL's free are replaced, and keep what blocks held. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tributary::secagg {

// OpenSSL had not allocated anything when its functions were replaced.
bool SeesOpenSsl();

// Everything that is given back while it lives. One at a time.
class FreedMemory {
 public:
  FreedMemory();
  ~FreedMemory();
  FreedMemory(const FreedMemory&) = delete;
  FreedMemory& operator=(const FreedMemory&) = delete;

  std::size_t size() const;
  // Says nothing if there was more than it keeps: see IsFull.
  bool Holds(std::span<const std::uint8_t> secret) const;
  bool IsFull() const;
};

}  // namespace tributary::secagg
