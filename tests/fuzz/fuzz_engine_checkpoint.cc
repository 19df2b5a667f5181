// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stored state or step: they are refused, or they are something
// that is written back the same and that an engine can go on from. Input: which
// of the two, then the bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "coordinator/checkpoint/journal.h"
#include "coordinator/checkpoint/snapshot.h"
#include "tests/coordinator/round/random_play.h"

namespace {

using namespace tributary;  // NOLINT: one file, one entry point

void GoOn(const round::Options& options, const round::State& state) {
  round::Engine engine(options, KeyFromSeed(1), state);
  const auto later = [&state](std::chrono::seconds pause) {
    return state.now + pause;
  };
  using std::chrono::seconds;
  (void)engine.Step(round::Tick{}, later(seconds(0)));
  for (const char* name : {"trainer-0", "trainer-1", "trainer-2"}) {
    (void)engine.Step(round::CheckIn{{name}, round::Role::kTrainer},
                      later(seconds(1)));
  }
  for (int step = 0; step < 6; ++step) {
    (void)engine.Step(
        round::SecureStepClosed{state.round,
                                state.attempt,
                                static_cast<round::SecureStep>(step),
                                {{"trainer-0"}, {"trainer-1"}}},
        later(seconds(2)));
    (void)engine.Step(round::Tick{}, later(seconds(60 + 60 * step)));
  }
  (void)engine.Step(round::ModelReleased{state.round, {}},
                    later(seconds(1000)));
  (void)engine.Step(round::Tick{}, later(seconds(100'000)));
  (void)engine.Step(round::Restarted{}, later(seconds(100'001)));
}

void TryState(const std::string& bytes) {
  const auto state = checkpoint::DecodeState(bytes);
  if (!state.ok()) return;
  // Compared as bytes: a number that is not one does not equal itself.
  const std::string written = checkpoint::EncodeState(*state);
  const auto again = checkpoint::DecodeState(written);
  if (!again.ok() || checkpoint::EncodeState(*again) != written) std::abort();

  // Plain rounds and masked ones, and such that wait for nobody.
  for (const std::uint32_t choice : {12344u, 12346u}) {
    GoOn(round::OptionsFor(choice), *state);
  }
  GoOn(round::AsynchronousOptionsFor(12344), *state);
}

void TryStep(const std::string& bytes) {
  const auto step = checkpoint::DecodeStep(bytes);
  if (!step.ok()) return;
  const std::string written = checkpoint::EncodeStep(*step);
  const auto again = checkpoint::DecodeStep(written);
  if (!again.ok() || checkpoint::EncodeStep(*again) != written) std::abort();
  round::Engine engine(round::OptionsFor(12345), KeyFromSeed(1),
                       round::ModelId{});
  (void)engine.Step(step->event, step->now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    TryState(bytes);
  } else {
    TryStep(bytes);
  }
  return 0;
}
