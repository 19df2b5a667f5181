// SPDX-License-Identifier: Apache-2.0
// Any bytes as a run: options, a key, then four bytes an event. The referee
// finds no rule broken, and the run ends once everybody is willing.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/coordinator/round/random_play.h"

namespace {

void Demand(bool is_kept, const char* promise) {
  if (is_kept) return;
  std::fprintf(stderr, "%s\n", promise);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace round = tributary::round;
  constexpr std::size_t kHead = sizeof(std::uint32_t) + 1;
  constexpr std::size_t kMostMoves = 400;
  if (size < kHead) return 0;
  std::uint32_t choice = 0;
  std::memcpy(&choice, data, sizeof(choice));
  round::RandomPlay play(round::AnyOptionsFor(choice),
                         tributary::KeyFromSeed(data[4]));
  round::Move move;
  for (std::size_t i = 0, at = kHead;
       i < kMostMoves && at + move.size() <= size; ++i, at += move.size()) {
    std::memcpy(move.data(), data + at, move.size());
    play.Make(move);
  }
  Demand(play.complaint().empty(), play.complaint().c_str());
  Demand(play.ReachesItsEnd(), "the run does not end");
  Demand(play.complaint().empty(), play.complaint().c_str());
  return 0;
}
