// SPDX-License-Identifier: Apache-2.0
#include "client/torch/epochs.h"

#include <algorithm>
#include <utility>

namespace tributary::torch_internal {

Epochs::Epochs(const Key& task_seed, std::vector<std::uint32_t> rows,
               std::size_t batch_size)
    : stream_(task_seed, "shuffle"),
      batch_size_(batch_size),
      order_(std::move(rows)),
      position_(order_.size()) {}

std::span<const std::uint32_t> Epochs::Next() {
  if (AtEnd()) {
    for (std::size_t i = order_.size(); i > 1; --i) {
      std::swap(order_[i - 1], order_[stream_.Below(i)]);
    }
    position_ = 0;
  }
  const std::size_t size = std::min(batch_size_, order_.size() - position_);
  const std::span batch(order_.data() + position_, size);
  position_ += size;
  return batch;
}

}  // namespace tributary::torch_internal
