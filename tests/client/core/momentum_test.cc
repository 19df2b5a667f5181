// SPDX-License-Identifier: Apache-2.0
#include "client/core/momentum.h"

#include <cstring>
#include <string>
#include <vector>

#include "client/core/update.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using Vector = std::vector<float>;

// Two parameters and a buffer.
const Manifest manifest({{"fc.weight", {2}, true}, {"norm.mean", {1}, false}});

v1::Task TaskOf(int round, double momentum = 0.5) {
  v1::Task task;
  task.set_kind(v1::Task::TRAIN);
  task.set_round(static_cast<std::uint32_t>(round));
  task.set_seed(std::string(32, 's'));
  task.mutable_update()->set_encoding(v1::UpdatePlan::FLOAT32);
  task.mutable_update()->set_max_abs(4);
  task.mutable_update()->set_max_weight(100);
  task.mutable_update()->set_momentum(momentum);
  return task;
}

// What a client in this state sends for a delta; the state is as after its
// acceptance.
Vector Send(const v1::Task& task, const Vector& delta, ClientState& state) {
  auto prepared =
      PrepareUpdate(task, manifest, {.examples = 1, .loss = 0}, delta, state);
  INFO(prepared.status());
  REQUIRE(prepared.ok());
  Vector sent(manifest.Length());
  REQUIRE(prepared->bytes->size() == sent.size() * sizeof(float));
  std::memcpy(sent.data(), prepared->bytes->data(), prepared->bytes->size());
  state = std::move(prepared->state);
  return sent;
}

TEST_CASE("a client sends m <- beta m + delta, and buffers as they changed") {
  ClientState state;
  CHECK(Send(TaskOf(1), {1, -2, 3}, state) == Vector{1, -2, 3});
  CHECK(Send(TaskOf(2), {1, 0, 3}, state) == Vector{1.5F, -1, 3});
  // Not asked in rounds 3 and 4: m waits.
  CHECK(Send(TaskOf(5), {0, 0, 1}, state) == Vector{0.75F, -0.5F, 1});
  CHECK(state.momentum == Vector{0.75F, -0.5F});
  CHECK(state.momentum_round == 5);
}

TEST_CASE("a round that is tried again has the same m") {
  ClientState state;
  Send(TaskOf(1), {1, -2, 3}, state);
  const Vector sent = Send(TaskOf(2), {1, 0, 3}, state);
  const ClientState accepted = state;
  CHECK(Send(TaskOf(2), {1, 0, 3}, state) == sent);
  CHECK(state == accepted);
  CHECK(Send(TaskOf(3), {0, 0, 0}, state) == Vector{0.75F, -0.5F, 0});
}

TEST_CASE("an update that was not accepted advances nothing") {
  ClientState state;
  Send(TaskOf(1), {1, -2, 3}, state);
  ClientState refused = state;
  const Vector sent = Send(TaskOf(2), {1, 0, 3}, refused);
  CHECK(Send(TaskOf(2), {1, 0, 3}, state) == sent);
}

TEST_CASE("m is clamped to the bound as deltas are, and kept clamped") {
  ClientState state;
  Send(TaskOf(1), {4, -4, 0}, state);
  CHECK(Send(TaskOf(2), {4, -4, 0}, state) == Vector{4, -4, 0});
  CHECK(state.momentum == Vector{4, -4});
}

TEST_CASE("without momentum there is no state of it") {
  ClientState state;
  CHECK(Send(TaskOf(1, 0), {1, -2, 3}, state) == Vector{1, -2, 3});
  CHECK(state.IsEmpty());
}

TEST_CASE("momentum beside error feedback is no task") {
  v1::Task task = TaskOf(1);
  task.mutable_update()->set_encoding(v1::UpdatePlan::INT8);
  CHECK(PrepareUpdate(task, manifest, {.examples = 1, .loss = 0}, {1, 2, 3}, {})
            .status()
            .message() ==
        "update.momentum: cannot stand beside the error feedback of int8 and "
        "top_k");
}

}  // namespace
}  // namespace tributary
