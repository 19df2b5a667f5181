// SPDX-License-Identifier: Apache-2.0
// tributaryctl privacy plan PLAN.
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/planned_run.h"
#include "coordinator/ctl/spending_view.h"

namespace tributary::ctl {
namespace {

using nlohmann::ordered_json;

ordered_json Json(const PlannedRun& planned) {
  const v1::Plan& plan = planned.plan;
  ordered_json document = Json(planned.answer);
  document["budget"] = plan.privacy().epsilon();
  document["planned_rounds"] = plan.stop().rounds();
  document["population"] = plan.privacy().population();
  document["noise_multipliers"] = planned.noise_multipliers;
  if (planned.own_noise) {
    document["own_noise"] = {{"clip_norms", planned.own_noise->clip_norms},
                             {"grid_points", planned.own_noise->grid_points},
                             {"shares", planned.own_noise->shares}};
  }
  document["word_bits"] = planned.word_bits;
  document["earlier_rounds"] = Json(planned.earlier_rounds);
  if (planned.known_cohorts) {
    document["known_cohorts"] = Json(*planned.known_cohorts);
  }
  return document;
}

// Who adds the noise, and how much.
std::string NoiseText(const PlannedRun& planned) {
  const auto& own = planned.own_noise;
  if (!own) return "the coordinator adds it to the sum";
  const std::string each =
      absl::StrCat("of ", Short(own->clip_norms), " clip norms (",
                   Short(own->grid_points), " grid points)");
  if (planned.answer.noise == dp::Noise::kLocal) {
    return absl::StrCat("each client adds all of it to its own update, ", each);
  }
  return absl::StrCat("each client adds a share ", each, "; those of ",
                      own->shares,
                      " are certain and make up what is charged, "
                      "whoever else comes");
}

void Print(const PlannedRun& planned, Session& session) {
  const v1::PrivacyPlan& privacy = planned.plan.privacy();
  const Spending& answer = planned.answer;
  session.out << "plan " << Shown(planned.plan.name()) << ": noise multiplier "
              << Decimal(answer.noise_multiplier) << ", "
              << (planned.is_calibrated ? "the least that its budget needs"
                                        : "as the plan says")
              << "\n"
              << dp::Name(answer.noise) << " noise: " << NoiseText(planned)
              << "\n"
              << planned.word_bits << " bits a coordinate on the wire\n\n";
  std::vector<Spending> rows = planned.earlier_rounds;
  rows.push_back(answer);
  SpendingTable(rows).Print(session.out, session.style);
  if (answer.rounds < planned.plan.stop().rounds()) {
    session.out << "\nprivacy.epsilon " << privacy.epsilon() << " pays for "
                << answer.rounds << " of the plan's "
                << planned.plan.stop().rounds()
                << " rounds: its run ends there\n";
  }
  if (privacy.clipping().has_adaptive()) {
    session.out << "\nAt the clip norm at which a round costs most; its run "
                   "may cost a little less.\n";
  }
  if (planned.known_cohorts) {
    session.out << "\n";
    Print(*planned.known_cohorts, {std::string(dp::Name(answer.noise))},
          session.out);
  }
  PrintUncovered({std::string(dp::Name(answer.noise))},
                 {std::string(dp::Name(answer.sampling))}, session.out);
  session.out << std::flush;
}

}  // namespace

ExitCode PrivacyOfPlan(Session& session, const PlannedRunQuestion& question) {
  const auto planned = PlanRun(question);
  if (!planned.ok()) return planned.status();
  if (session.IsJson()) {
    session.Print(Json(*planned));
  } else {
    Print(*planned, session);
  }
  return 0;
}

}  // namespace tributary::ctl
