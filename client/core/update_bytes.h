// SPDX-License-Identifier: Apache-2.0
// The encoded bytes of an update, immutable. Floats sent as they are stay the
// vector they were: a model's worth of copying less.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace tributary {

class UpdateBytes {
 public:
  explicit UpdateBytes(std::vector<std::byte> bytes)
      : content_(std::move(bytes)) {}
  explicit UpdateBytes(std::vector<float> floats)
      : content_(std::move(floats)) {}

  const std::byte* data() const { return bytes().data(); }
  std::size_t size() const { return bytes().size(); }
  const std::byte* begin() const { return data(); }
  const std::byte* end() const { return data() + size(); }

  friend bool operator==(const UpdateBytes& a, const UpdateBytes& b) {
    return std::ranges::equal(a, b);
  }

 private:
  std::span<const std::byte> bytes() const {
    return std::visit(
        [](const auto& vector) { return std::as_bytes(std::span(vector)); },
        content_);
  }

  std::variant<std::vector<std::byte>, std::vector<float>> content_;
};

}  // namespace tributary
