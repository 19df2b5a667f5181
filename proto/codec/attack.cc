// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/attack.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "proto/codec/limits.h"

namespace tributary::codec {
namespace {

constexpr const char* kAttack = "simulation.attack";

// They cannot do without the spread of honest updates, or a choice of them.
bool NeedsTwoHonest(const v1::AttackPlan& attack) {
  return attack.has_alie() || attack.has_mimic();
}

void CheckNumbers(const v1::SimulationPlan& plan, Problems& problems) {
  if (!plan.has_clients() || plan.clients() == 0) return;  // the data say
  const std::uint32_t adversaries = AdversariesAmong(plan, plan.clients());
  const std::uint32_t honest = plan.clients() - adversaries;
  if (adversaries == 0) {
    problems.push_back(
        {absl::StrCat(kAttack, ".fraction"),
         absl::StrCat(plan.attack().fraction(), " of ", plan.clients(),
                      " clients is no whole adversary; have more of either, or "
                      "leave the attack out")});
  }
  const std::uint32_t least = NeedsTwoHonest(plan.attack()) ? 2 : 1;
  if (honest < least) {
    problems.push_back(
        {absl::StrCat(kAttack, ".fraction"),
         absl::StrCat("leaves ", honest, " honest clients of ", plan.clients(),
                      "; the attack needs at least ", least)});
  }
}

}  // namespace

std::uint32_t AdversariesAmong(const v1::SimulationPlan& plan,
                               std::uint32_t clients) {
  const double fraction = plan.attack().fraction();
  // One that is out of its limits was reported as that.
  if (!(fraction > 0 && fraction < 1)) return 0;
  constexpr double kRounding = 1e-9;
  return static_cast<std::uint32_t>(std::floor(fraction * clients + kRounding));
}

// With each client more there is one adversary more, or one honest client.
std::uint32_t ClientsWithHonest(const v1::SimulationPlan& plan,
                                std::uint32_t honest) {
  std::uint32_t clients = honest;
  while (clients + 1 - AdversariesAmong(plan, clients + 1) <= honest) {
    ++clients;
  }
  return clients;
}

void FillAttack(v1::AttackPlan& attack) {
  if (attack.has_gaussian() && !attack.gaussian().has_deviation()) {
    attack.mutable_gaussian()->set_deviation(30);
  }
  if (attack.has_ipm() && !attack.ipm().has_scale()) {
    attack.mutable_ipm()->set_scale(0.1);
  }
  if (!attack.has_backdoor()) return;
  auto& backdoor = *attack.mutable_backdoor();
  if (!backdoor.has_trigger()) backdoor.set_trigger(3);
  if (!backdoor.has_poisoned()) backdoor.set_poisoned(0.5);
}

void CheckAttack(const v1::Plan& plan, Problems& problems) {
  const v1::SimulationPlan& simulation = plan.simulation();
  if (!simulation.has_attack()) return;
  const v1::AttackPlan& attack = simulation.attack();
  if (attack.kind_case() == v1::AttackPlan::KIND_NOT_SET) {
    problems.push_back(
        {kAttack,
         absl::StrCat(
             "needs one of ",
             NamesOf(*v1::AttackPlan::descriptor()->FindOneofByName("kind")))});
  }
  if (!plan.has_robust()) {
    problems.push_back(
        {kAttack,
         "needs a rule in robust: adversaries' updates are made when all of a "
         "round's are there, as such rules read them; robust: {mean: {}} is "
         "the plain mean of updates, each counted once"});
  }
  const v1::TrainingPlan::Loss loss = plan.training().loss();
  const bool has_classes = loss == v1::TrainingPlan::LOSS_UNSPECIFIED ||
                           loss == v1::TrainingPlan::CROSS_ENTROPY ||
                           loss == v1::TrainingPlan::BCE;
  if (!has_classes && (attack.has_label_flip() || attack.has_backdoor())) {
    problems.push_back(
        {absl::StrCat(kAttack,
                      attack.has_backdoor() ? ".backdoor" : ".label_flip"),
         "changes classes; training.loss must be cross_entropy or bce"});
  }
  CheckNumbers(simulation, problems);
}

}  // namespace tributary::codec
