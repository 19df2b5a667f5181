// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/chunk_slots.h"

#include <utility>

namespace tributary::coordinator {

void ChunkSlots::Acquire(const std::string& client,
                         std::function<void()> ready) {
  {
    const std::lock_guard lock(mutex_);
    Client& asking = clients_[client];
    // While there is a line, whoever made the slot free hands it out.
    if (free_ == 0 || asking.held == share_ || !line_.empty()) {
      asking.waiting.push_back(std::move(ready));
      LineUp(client, asking);
      return;
    }
    --free_;
    ++asking.held;
  }
  ready();
}

void ChunkSlots::Release(const std::string& client) {
  {
    const std::lock_guard lock(mutex_);
    const auto giving = clients_.find(client);
    ++free_;
    --giving->second.held;
    LineUp(client, giving->second);
    if (giving->second.held == 0 && giving->second.waiting.empty()) {
      clients_.erase(giving);
    }
  }
  // Whoever gets the slot may give it back at once, and so may the next: one
  // after the other, not one inside the other.
  thread_local const ChunkSlots* handing_out = nullptr;
  if (handing_out == this) return;
  const ChunkSlots* const outer = std::exchange(handing_out, this);
  while (std::function<void()> next = Next()) next();
  handing_out = outer;
}

bool ChunkSlots::IsShort() const {
  const std::lock_guard lock(mutex_);
  return !line_.empty();
}

void ChunkSlots::LineUp(const std::string& name, Client& client) {
  if (client.is_in_line || client.waiting.empty() || client.held == share_) {
    return;
  }
  client.is_in_line = true;
  line_.push_back(name);
}

std::function<void()> ChunkSlots::Next() {
  const std::lock_guard lock(mutex_);
  if (free_ == 0 || line_.empty()) return nullptr;
  const std::string name = std::move(line_.front());
  line_.pop_front();
  Client& client = clients_.at(name);
  client.is_in_line = false;
  std::function<void()> next = std::move(client.waiting.front());
  client.waiting.pop_front();
  --free_;
  ++client.held;
  LineUp(name, client);
  return next;
}

}  // namespace tributary::coordinator
