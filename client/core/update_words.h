// SPDX-License-Identifier: Apache-2.0
// The integers of an update before they are masked: erased when they go.
// Immutable; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "privacy/secagg/secret.h"

namespace tributary {

class UpdateWords {
 public:
  explicit UpdateWords(std::vector<std::int64_t> words)
      : words_(std::move(words)) {}
  ~UpdateWords() { secagg::Erase(std::as_writable_bytes(std::span(words_))); }
  UpdateWords(const UpdateWords&) = delete;
  UpdateWords& operator=(const UpdateWords&) = delete;

  std::span<const std::int64_t> get() const { return words_; }

 private:
  std::vector<std::int64_t> words_;
};

}  // namespace tributary
