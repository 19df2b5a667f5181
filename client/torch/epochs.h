// SPDX-License-Identifier: Apache-2.0
// The order in which a task sees its examples: a fresh permutation per epoch
// (Fisher-Yates), cut into batches; the last batch of an epoch may be smaller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "privacy/crypto/random.h"

namespace tributary::torch_internal {

// One thread. The same key gives the same batches.
class Epochs {
 public:
  // Over these rows, at least one; batch_size > 0. The same places in the same
  // order whatever the rows are.
  Epochs(const Key& task_seed, std::vector<std::uint32_t> rows,
         std::size_t batch_size);

  // The next batch, valid until the next call.
  std::span<const std::uint32_t> Next();
  // The last batch was the last of its epoch.
  bool AtEnd() const { return position_ == order_.size(); }

 private:
  KeyedStream stream_;
  std::size_t batch_size_;
  std::vector<std::uint32_t> order_;
  std::size_t position_;
};

}  // namespace tributary::torch_internal
