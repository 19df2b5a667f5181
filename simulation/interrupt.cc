// SPDX-License-Identifier: Apache-2.0
#include "simulation/interrupt.h"

#include <csignal>

namespace tributary::simulation {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void Interrupt(int signal) {
  interrupted.store(true);
  std::signal(signal, SIG_DFL);
}

}  // namespace

const std::atomic<bool>& CatchInterrupts() {
  std::signal(SIGINT, Interrupt);
  std::signal(SIGTERM, Interrupt);
  return interrupted;
}

}  // namespace tributary::simulation
