// SPDX-License-Identifier: Apache-2.0
// A client's session against a coordinator, and a runner, that say anything.
// The input is a list of steps, each an operation byte, a length byte and as
// many bytes: a ServerMessage, or what an event needs. Nothing may crash, be
// uploaded without a grant, or follow the end.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "client/core/session.h"
#include "privacy/crypto/random.h"

namespace {

using namespace tributary;
using namespace tributary::session;

Digest DigestOf(std::string bytes) {
  bytes.resize(32);
  return *Digest::FromBytes(bytes);
}

// The token the session works on is what makes the other events matter.
TaskToken CurrentToken(const Session& session) {
  return std::visit(
      [](const auto& work) -> TaskToken {
        if constexpr (requires { work.task; }) return work.task.task_token();
        return "";
      },
      session.work());
}

Event ToEvent(std::uint8_t operation, const std::string& bytes,
              const Session& session) {
  const TaskToken token = CurrentToken(session);
  const auto* fetching = std::get_if<Fetching>(&session.work());
  const Digest digest =
      fetching != nullptr ? fetching->missing.front() : DigestOf(bytes);
  switch (operation % 12) {
    case 1:
      return Connected{};
    case 2:
      return Disconnected{absl::Status(
          static_cast<absl::StatusCode>(bytes.empty() ? 14 : bytes[0] & 15),
          bytes)};
    case 3:
      return Fetched{digest};
    case 4:
      return FetchFailed{digest, absl::UnavailableError(bytes)};
    case 5: {
      Trained trained{token, {}, bytes.size()};
      trained.header.set_task_token(token);
      trained.header.set_size(1000);
      trained.header.set_weight(static_cast<std::uint32_t>(bytes.size()));
      return trained;
    }
    case 6:
      return Evaluated{token, 5, {{bytes, 0.5}}};
    case 7:
      return WorkFailed{token, bytes};
    case 8:
      return Uploaded{token};
    case 9:
      return UploadFailed{token, absl::UnavailableError(bytes)};
    case 10:
      return Tick{};
    default: {
      Received received;
      // A message that is no message never reaches the session.
      if (!received.message.ParseFromString(bytes)) return Tick{};
      return received;
    }
  }
}

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  KeyedStream random(Key{}, "fuzz");
  Session session({.population = "p"}, random);
  Instant now{};
  std::vector<Effect> effects = session.Step(Started{}, now);
  bool ended = false;
  while (size >= 2) {
    const std::size_t length = std::min<std::size_t>(data[1], size - 2);
    const std::string bytes(reinterpret_cast<const char*>(data) + 2, length);
    const Event event = ToEvent(data[0], bytes, session);
    // The upper bits let time pass.
    now += Duration(std::int64_t{1} << (data[0] >> 4));
    data += 2 + length;
    size -= 2 + length;
    effects = session.Step(event, now);
    Check(!ended || effects.empty());
    const auto* received = std::get_if<Received>(&event);
    for (const Effect& effect : effects) {
      ended = ended || std::holds_alternative<Finish>(effect);
      if (const auto* upload = std::get_if<StartUpload>(&effect)) {
        Check(received != nullptr && received->message.has_upload_grant() &&
              upload->offset <= 1000);
      }
      if (const auto* send = std::get_if<Send>(&effect)) {
        // The wire takes valid UTF-8 only, and no message over 1 MiB.
        v1::ClientMessage again;
        const std::string wire = send->message.SerializeAsString();
        Check(wire.size() <= 1u << 20 && again.ParseFromString(wire));
      }
    }
  }
  return 0;
}
