// SPDX-License-Identifier: Apache-2.0
// Simulated adversaries, as plans say them (simulation.attack;
// docs/robustness.md, "Attacks"). Pure.
#pragma once

#include <cstdint>

#include "proto/codec/problem.h"
#include "tributary/v1/attack.pb.h"
#include "tributary/v1/plan.pb.h"

namespace tributary::codec {

// How many of so many clients are adversaries, the last ones by number:
// floor(fraction x clients), where a product that rounding alone keeps from a
// whole number is that number. 0 without an attack.
std::uint32_t AdversariesAmong(const v1::SimulationPlan& plan,
                               std::uint32_t clients);

// The most clients of which so many are honest: the fraction, as near as can
// be.
std::uint32_t ClientsWithHonest(const v1::SimulationPlan& plan,
                                std::uint32_t honest);

// Writes out what the plan leaves to its defaults, but for those that depend on
// who is in a round: alie.deviations and backdoor.scale.
void FillAttack(v1::AttackPlan& attack);

// What stands against this plan's attack, if it has one.
void CheckAttack(const v1::Plan& plan, Problems& problems);

}  // namespace tributary::codec
