// SPDX-License-Identifier: Apache-2.0
// The threads that sync, fold and release. Work is taken in the order it came.
//
// Threads: any. The destructor waits for work in progress and drops the rest.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tributary::coordinator {

class WorkPool {
 public:
  explicit WorkPool(int threads);
  ~WorkPool();

  void Post(std::function<void()> work);
  // work(0), ..., work(count - 1), each once, on all threads; then `done` on
  // one of them, which sees what the others did.
  void ForEach(std::size_t count, std::function<void(std::size_t)> work,
               std::function<void()> done);
  // task(0), ..., task(count - 1), each once, and returns when all are done.
  // The caller works too, so that it may be called from work of this pool, and
  // with the pool busy or stopping.
  void Together(std::size_t count,
                const std::function<void(std::size_t)>& task);
  int size() const { return static_cast<int>(threads_.size()); }

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tributary::coordinator
