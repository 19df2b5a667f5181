// SPDX-License-Identifier: Apache-2.0
#include "simulation/interrupt.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace tributary::simulation {
namespace {

std::atomic<bool> interrupted = false;
std::atomic<const char*> said = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<const char*>::is_always_lock_free);

// Nothing but what a signal handler may call.
void Interrupt(int signal) {
  const int saved = errno;
  interrupted.store(true);
  if (const char* text = said.load()) {
    // Nobody can be told that it could not be said.
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) errno = 0;
  }
  std::signal(signal, SIG_DFL);
  errno = saved;
}

}  // namespace

const std::atomic<bool>& CatchInterrupts(const char* announcement) {
  said.store(announcement);
  std::signal(SIGINT, Interrupt);
  std::signal(SIGTERM, Interrupt);
  return interrupted;
}

}  // namespace tributary::simulation
