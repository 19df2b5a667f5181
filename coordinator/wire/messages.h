// SPDX-License-Identifier: Apache-2.0
// The engine's words as wire messages and back; shared by the coordinator and
// the simulator.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "coordinator/round/effect.h"
#include "coordinator/round/leaf_set.h"
#include "coordinator/round/types.h"
#include "coordinator/tree/epoch_fence.h"
#include "tributary/v1/federation.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::coordinator {

// The version of the wire that a coordinator speaks, in hello and welcome.
inline constexpr std::uint32_t kWireVersion = 1;

std::string ToBytes(const round::TaskToken& token);
// Nothing unless there are 16 bytes.
std::optional<round::TaskToken> ToToken(const std::string& bytes);
// Nothing unless the base model is a digest, and of a partial sum, which says
// its weight there alone, the epoch, the leaves and their names are said.
std::optional<round::Contribution> ToContribution(
    const v1::UpdateHeader& header);
v1::Refusal ToWire(round::Refusal reason);

v1::ServerMessage WelcomeMessage(const std::string& client, v1::Role role);
// To an aggregator: the session that begins.
v1::ServerMessage WelcomeMessage(const std::string& aggregator,
                                 const AggregatorSession& session);
v1::ServerMessage ComeBackMessage(round::Duration earliest,
                                  round::Duration latest);
v1::ServerMessage GrantMessage(const round::TaskToken& token,
                               std::uint64_t offset);
v1::ServerMessage AcceptedMessage(const round::TaskToken& token);
// Names as many of the leaves that overlap, none but with kOverlap, as a
// message may.
v1::ServerMessage RefusedMessage(const round::TaskToken& token,
                                 round::Refusal reason,
                                 const std::string& detail,
                                 const round::LeafSet& overlap = {});
v1::ServerMessage CancelMessage(const round::TaskToken& token,
                                round::Refusal reason);

// What tasks of one run have in common.
struct TaskFrame {
  std::string run;
  std::string archive;  // 32 bytes, or empty
  v1::TrainingPlan training;
  v1::UpdatePlan update;
  // Absent in most tasks.
  std::optional<v1::StrategyPlan> strategy;
  // In tasks to train: where updates are integers those of the round, where
  // they are masked the terms of its sessions.
  std::optional<v1::IntegerUpdate> integers = std::nullopt;
  std::optional<v1::SecureTerms> secure = std::nullopt;
  // Where the plan has a tree: what aggregators are asked.
  std::optional<v1::SubtreeTask> subtree = std::nullopt;
};
// `plan`, with its defaults, as an aggregator of this tier is asked it: without
// what is the root's or the simulator's alone.
v1::SubtreeTask ToSubtreeTask(const v1::Plan& plan, std::uint32_t tier);
// A session's message, of this task.
v1::ServerMessage SecureMessage(const round::TaskToken& token,
                                v1::SecureServerMessage message);
v1::ServerMessage TaskMessage(const TaskFrame& frame, const round::Task& task,
                              round::Duration time_left);

}  // namespace tributary::coordinator
