// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/step_messages.h"

namespace tributary::coordinator {

std::optional<round::ClientId> StepMessages::Next(
    const std::function<bool(const round::ClientId&)>& is_writing, Time now) {
  if (unsent_.empty()) return std::nullopt;
  // Asked only now: it is a lock for each.
  if (bytes_ >= kMostUnwritten) {
    std::erase_if(unwritten_, [&](const Unwritten& sent) {
      const bool is_waited_for =
          now - sent.since < kPatience && is_writing(sent.client);
      if (!is_waited_for) bytes_ -= sent.bytes;
      return !is_waited_for;
    });
    if (bytes_ >= kMostUnwritten) return std::nullopt;
  }
  return unsent_.extract(unsent_.begin()).value();
}

void StepMessages::Sent(const round::ClientId& client, std::size_t bytes,
                        Time now) {
  unwritten_.push_back({client, bytes, now});
  bytes_ += bytes;
}

}  // namespace tributary::coordinator
