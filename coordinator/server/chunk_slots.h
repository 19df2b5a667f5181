// SPDX-License-Identifier: Apache-2.0
// Permits to hold one chunk of a model in memory. Clients take turns, whatever
// the number of their calls, and none holds more than its share, so that slots
// are left for the others while it reads slowly.
//
// Thread-safe. Functions that were given are called without the lock.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tributary::coordinator {

class ChunkSlots {
 public:
  // Of `slots` in all, one client holds at most `share`.
  ChunkSlots(int slots, int share) : share_(share), free_(slots) {}
  // Calls `ready` once the client has one more slot: now, on this thread, or
  // later on the thread that releases one.
  void Acquire(const std::string& client, std::function<void()> ready);
  // Gives back one of the client's.
  void Release(const std::string& client);
  // Whether somebody waits for no other reason than that no slot is free.
  bool IsShort() const;

 private:
  struct Client {
    int held = 0;
    bool is_in_line = false;
    std::deque<std::function<void()>> waiting;
  };
  // Puts the client in the line if it waits and may have another slot.
  void LineUp(const std::string& name, Client& client)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Who gets a slot that is free; nobody: none is, or nobody waits.
  std::function<void()> Next();

  const int share_;
  mutable absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
  // Those that hold slots or wait.
  std::unordered_map<std::string, Client> clients_ ABSL_GUARDED_BY(mutex_);
  // Whose turn it is; each client at most once.
  std::deque<std::string> line_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary::coordinator
