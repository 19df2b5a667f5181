// SPDX-License-Identifier: Apache-2.0
#include "client/program/stop_on_signal.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

namespace tributary::program {
namespace {

// What a handler may touch.
std::atomic<int> first_signal = 0;
std::atomic<int> wake_descriptor = -1;
static_assert(std::atomic<int>::is_always_lock_free);

void Wake() {
  const std::uint64_t one = 1;
  // The counter cannot be full: nothing is lost if this fails.
  [[maybe_unused]] const auto written =
      write(wake_descriptor, &one, sizeof(one));
}

void OnSignal(int signal) {
  const int error = errno;
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) {
    _exit(128 + signal);
  }
  Wake();
  errno = error;
}

}  // namespace

StopOnSignal::StopOnSignal(std::function<void()> stop) {
  wake_descriptor = eventfd(0, EFD_CLOEXEC);
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  watcher_ = std::thread([stop = std::move(stop)] {
    std::uint64_t count = 0;
    while (read(wake_descriptor, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
    if (first_signal != 0) stop();
  });
}

StopOnSignal::~StopOnSignal() {
  Wake();
  watcher_.join();
}

int StopOnSignal::Signal() { return first_signal; }

}  // namespace tributary::program
