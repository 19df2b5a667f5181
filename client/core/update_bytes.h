// SPDX-License-Identifier: Apache-2.0
// The encoded bytes of an update, immutable. Floats sent as they are stay the
// vector they were: a model's worth of copying less. An aggregator's sum stays
// on the disk.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "client/core/mapped_file.h"

namespace tributary {

class UpdateBytes {
 public:
  explicit UpdateBytes(std::vector<std::byte> bytes)
      : content_(std::move(bytes)) {}
  explicit UpdateBytes(std::vector<float> floats)
      : content_(std::move(floats)) {}

  explicit UpdateBytes(MappedFile file)
      : content_(std::make_shared<const MappedFile>(std::move(file))) {}

  const std::byte* data() const { return bytes().data(); }
  std::size_t size() const { return bytes().size(); }
  const std::byte* begin() const { return data(); }
  const std::byte* end() const { return data() + size(); }

  friend bool operator==(const UpdateBytes& a, const UpdateBytes& b) {
    return std::ranges::equal(a, b);
  }

 private:
  std::span<const std::byte> bytes() const {
    if (const auto* file =
            std::get_if<std::shared_ptr<const MappedFile>>(&content_)) {
      return (*file)->bytes();
    }
    if (const auto* floats = std::get_if<std::vector<float>>(&content_)) {
      return std::as_bytes(std::span(*floats));
    }
    return std::get<std::vector<std::byte>>(content_);
  }

  std::variant<std::vector<std::byte>, std::vector<float>,
               std::shared_ptr<const MappedFile>>
      content_;
};

}  // namespace tributary
