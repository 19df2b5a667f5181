// SPDX-License-Identifier: Apache-2.0
#include "simulation/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tributary::simulation {
namespace {

// As after the first one (proto/command_line/read.h).
constexpr int kInterruptedTwice = 130;

std::atomic<bool> interrupted = false;
std::atomic<const char*> said = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<const char*>::is_always_lock_free);

// Nothing but what a signal handler may call.
void Interrupt(int) {
  if (interrupted.exchange(true)) _exit(kInterruptedTwice);
  const int saved = errno;
  if (const char* text = said.load()) {
    // Nobody can be told that it could not be said.
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) errno = 0;
  }
  errno = saved;
}

}  // namespace

const std::atomic<bool>& CatchInterrupts(const char* announcement) {
  said.store(announcement);
  struct sigaction action {};
  action.sa_handler = Interrupt;
  action.sa_flags = SA_RESTART;
  // One after the other: the first says its word before the second quits.
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return interrupted;
}

}  // namespace tributary::simulation
