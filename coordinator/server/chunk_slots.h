// SPDX-License-Identifier: Apache-2.0
// Permits to hold one chunk of a model in memory. Clients take turns, whatever
// the number of their calls, and none holds more than its share, so that slots
// are left for the others while it reads slowly.
//
// Thread-safe. Functions that were given are called without the lock.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

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
  // Puts the client in the line if it waits and may have another slot; under
  // the lock.
  void LineUp(const std::string& name, Client& client);
  // Who gets a slot that is free; nobody: none is, or nobody waits.
  std::function<void()> Next();

  const int share_;
  mutable std::mutex mutex_;  // guards what follows
  int free_;
  // Those that hold slots or wait.
  std::unordered_map<std::string, Client> clients_;
  // Whose turn it is; each client at most once.
  std::deque<std::string> line_;
};

}  // namespace tributary::coordinator
