// SPDX-License-Identifier: Apache-2.0
//   SHA-256 of the rest | magic | for each vector: u64 length | floats
//   | u64 number of places | for each: u64 begin, u64 end
//   | u64 round of the momentum
//
// TRIBCST1, of clients without momentum, has three vectors and ends with the
// places.
#include "client/core/client_state.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "absl/status/status.h"
#include "privacy/crypto/digest.h"

namespace tributary {
namespace {

constexpr std::string_view kMagic = "TRIBCST2";
constexpr std::string_view kMagicBefore = "TRIBCST1";

// In the order of the file.
template <typename State>
auto VectorsOf(State& state) {
  return std::array{&state.residual, &state.control, &state.local,
                    &state.momentum};
}

void Append(std::string& bytes, const void* data, std::size_t size) {
  if (size > 0) bytes.append(static_cast<const char*>(data), size);
}
void AppendNumber(std::string& bytes, std::uint64_t number) {
  Append(bytes, &number, sizeof(number));
}

// Takes a number off the front; false if there is none.
bool TakeNumber(std::string_view& bytes, std::uint64_t& number) {
  if (bytes.size() < sizeof(number)) return false;
  std::memcpy(&number, bytes.data(), sizeof(number));
  bytes.remove_prefix(sizeof(number));
  return true;
}

}  // namespace

std::string Serialise(const ClientState& state) {
  std::string rest(kMagic);
  for (const std::vector<float>* vector : VectorsOf(state)) {
    AppendNumber(rest, vector->size());
    Append(rest, vector->data(), vector->size() * sizeof(float));
  }
  AppendNumber(rest, state.places.size());
  for (const FlatRange& place : state.places) {
    AppendNumber(rest, place.begin);
    AppendNumber(rest, place.end);
  }
  AppendNumber(rest, state.momentum_round);
  return std::string(Sha256(rest).AsBytes()) + rest;
}

absl::StatusOr<ClientState> ParseClientState(std::string_view bytes) {
  const absl::Status damaged =
      absl::DataLossError("the client state is damaged");
  const std::size_t head = Digest{}.bytes.size();
  if (bytes.size() < head) return damaged;
  std::string_view rest = bytes.substr(head);
  const bool is_before = rest.substr(0, kMagic.size()) == kMagicBefore;
  if (Sha256(rest).AsBytes() != bytes.substr(0, head) ||
      (rest.substr(0, kMagic.size()) != kMagic && !is_before)) {
    return damaged;
  }
  rest.remove_prefix(kMagic.size());
  ClientState state;
  for (std::vector<float>* vector : VectorsOf(state)) {
    if (is_before && vector == &state.momentum) continue;
    std::uint64_t length = 0;
    if (!TakeNumber(rest, length) || length > rest.size() / sizeof(float)) {
      return damaged;
    }
    vector->resize(length);
    if (length > 0) {
      std::memcpy(vector->data(), rest.data(), length * sizeof(float));
    }
    rest.remove_prefix(length * sizeof(float));
  }
  std::uint64_t places = 0;
  if (!TakeNumber(rest, places) ||
      places > rest.size() / (2 * sizeof(places))) {
    return damaged;
  }
  for (std::uint64_t i = 0; i < places; ++i) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    TakeNumber(rest, begin);
    TakeNumber(rest, end);
    state.places.push_back({begin, end});
  }
  if (!is_before && !TakeNumber(rest, state.momentum_round)) return damaged;
  if (!rest.empty()) return damaged;
  return state;
}

}  // namespace tributary
