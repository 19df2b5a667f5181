// SPDX-License-Identifier: Apache-2.0
#include "simulation/virtual_time.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tributary::simulation {

bool VirtualTime::IsLater(const Entry& a, const Entry& b) {
  return std::tie(a.when, a.sequence) > std::tie(b.when, b.sequence);
}

void VirtualTime::At(round::Instant when, std::function<void()> action) {
  heap_.push_back({std::max(when, now_), next_sequence_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), IsLater);
}

bool VirtualTime::RunNext() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), IsLater);
  const Entry entry = std::move(heap_.back());
  heap_.pop_back();
  now_ = entry.when;
  ++events_;
  entry.action();
  return true;
}

}  // namespace tributary::simulation
