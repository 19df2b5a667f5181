// SPDX-License-Identifier: Apache-2.0
// Noise x sampling x neighbours x masks x clipping, each from a plan's text: it
// runs to its end in the simulator, with the sessions that the plan asks for,
// and costs what `tributaryctl privacy plan` says, or it is refused by its
// keys. Which of the two is what docs/privacy.md says.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/ctl/planned_run.h"
#include "proto/codec/safetensors.h"
#include "simulation/commands/plan_source.h"
#include "tests/proto/files.h"
#include "tests/simulation/accounted_kinds.h"
#include "tests/simulation/virtual_federation.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

enum class Masks { kReal, kSkipped, kNone };
constexpr Masks kMasks[] = {Masks::kReal, Masks::kSkipped, Masks::kNone};

const std::vector<std::string> kClippings = {
    "norm: 0.5", "norm: 0.5, per_layer: true", "norm: 0.5, adaptive: {}",
    "norm: 0.5, per_layer: true, adaptive: {}"};

struct Combination {
  AccountedKind kind;
  std::string clipping = kClippings.front();
  Masks masks = Masks::kNone;
  // More keys of section `privacy`, each ", key: value".
  std::string more = {};

  bool IsAdaptive() const {
    return clipping.find("adaptive") != std::string::npos;
  }
  std::string Text() const {
    const char* const names[] = {"real", "skipped", "no"};
    return absl::StrCat(kind.noise, " noise, sampling ", kind.sampling, ", ",
                        kind.neighbours, ", {", clipping, "}, ",
                        names[static_cast<int>(masks)], " masks", more);
  }
};

// Cohorts as small as each sampling allows.
struct Sizes {
  int population = 0;
  int cohort = 0;
};
Sizes SizesOf(const std::string& sampling) {
  if (sampling == "poisson") return {40, 20};
  if (sampling == "fixed_size") return {18, 9};
  return {9, 9};
}

// Two rounds of a model of two tensors.
std::string PlanText(const Sizes& sizes, Masks masks,
                     const std::string& privacy) {
  std::string text = absl::StrCat(
      "name: combination\n"
      "population: virtual\n"
      "seed: 11\n"
      "model: {architecture: {linear: {inputs: 3, outputs: 1}}}\n"
      "round: {cohort_size: ",
      sizes.cohort,
      ", min_updates: 3, deadline: 60s, selection_timeout: 3000s,"
      " retry_backoff: 1s, max_attempts: 1}\n"
      "training: {epochs: 1, batch_size: 10, learning_rate: 0.1}\n"
      "update: {max_abs: 1, max_weight: 1",
      masks == Masks::kNone && privacy.empty() ? "" : ", bits: 12",
      "}\n"
      "stop: {rounds: 2}\n"
      "simulation: {clients: ",
      sizes.population, ", train: {csv: {path: unread.csv}}",
      masks == Masks::kSkipped ? ", skip_masks: true" : "", "}\n");
  if (masks != Masks::kNone) {
    text += "secure_aggregation: {step_deadline: 2s}\n";
  }
  if (!privacy.empty()) absl::StrAppend(&text, "privacy: {", privacy, "}\n");
  return text;
}

std::string PlanText(const Combination& wanted) {
  const Sizes sizes = SizesOf(wanted.kind.sampling);
  return PlanText(
      sizes, wanted.masks,
      absl::StrCat("unit: client, noise: ", wanted.kind.noise,
                   ", sampling: ", wanted.kind.sampling, ", neighbours: ",
                   wanted.kind.neighbours, ", delta: ", 0.9 / sizes.population,
                   ", epsilon: 50, noise_multiplier: 1.5, population: ",
                   sizes.population, ", clipping: {", wanted.clipping, "}",
                   wanted.more));
}

struct Made {
  std::string model;
  std::size_t rounds = 0;
  dp::Spend spend = {};
};

// Submits plans as files, and runs those that are taken.
class Submission {
 public:
  Submission() {
    const std::vector<float> zeros(manifest_.Length());
    REQUIRE(codec::WriteSafetensors(weights_, manifest_, {}, zeros).ok());
  }

  // Why the plan is refused; "" if it is not.
  std::string RefusalOf(const std::string& text) {
    return std::string(Take(text).status().message());
  }
  // Takes and runs it.
  Made Run(const std::string& text, int clients) {
    const auto plan = Take(text);
    INFO(plan.status());
    REQUIRE(plan.ok());
    FederationPlan federation_plan;
    federation_plan.clients = clients;
    federation_plan.change = [&](v1::Plan& made) { made = *plan; };
    VirtualFederation federation(federation_plan);
    const auto end = federation.Run();
    INFO(end.status());
    REQUIRE(end.ok());
    INFO(end->reason);
    REQUIRE(end->end == round::RunEnd::kFinished);
    Made made{.model = federation.simulation->model().id.Hex(),
              .rounds = federation.record.rounds.size()};
    for (const Charge& charge : federation.record.charges) {
      made.spend.Add(charge.debit);
    }
    return made;
  }
  // What `tributaryctl privacy plan` says of it.
  ctl::Spending Planned(const std::string& text) {
    ctl::PlannedRunQuestion question;
    question.plan = File(text).string();
    question.weights = weights_.string();
    const auto planned = ctl::PlanRun(question);
    INFO(planned.status());
    REQUIRE(planned.ok());
    return planned->answer;
  }

 private:
  std::filesystem::path File(const std::string& text) const {
    return folder_.Write("plan.yaml", text);
  }
  // As tributary-simulate does.
  absl::StatusOr<v1::Plan> Take(const std::string& text) {
    auto plan = ReadSimulationPlan({.file = File(text)});
    if (!plan.ok()) return plan;
    if (auto taken = CompletePlan(*plan, manifest_); !taken.ok()) return taken;
    return plan;
  }

  TemporaryFolder folder_;
  const std::filesystem::path weights_ = folder_.path() / "first.safetensors";
  const Manifest manifest_{
      {{.name = "weight", .shape = {1, 3}}, {.name = "bias", .shape = {1}}}};
};

// A line of the refusal begins with the key.
bool Names(const std::string& refusal, const std::string& key) {
  return refusal.starts_with(key + ": ") ||
         refusal.find("\n" + key + ": ") != std::string::npos ||
         refusal.find(": " + key + ": ") != std::string::npos;
}

std::map<AccountedKind, std::string> Table() {
  return ReadAccountedKinds(std::string(TRIBUTARY_SOURCE_DIR) +
                            "/docs/privacy.md");
}

// What the documents refuse of it, by the keys that the refusal names; "" if
// they refuse nothing.
std::string KeysRefused(const Combination& wanted, const std::string& cell) {
  if (wanted.kind.noise == "distributed" && wanted.masks == Masks::kNone) {
    return "privacy.noise";
  }
  if (wanted.kind.noise == "local" && wanted.IsAdaptive()) {
    return "privacy.clipping.adaptive";
  }
  if (cell == "-") return "privacy.noise, privacy.sampling, privacy.neighbours";
  return "";
}

TEST_CASE(
    "a plan is taken if the table says so, and else refused by its keys") {
  Submission submission;
  int taken = 0;
  int refused = 0;
  for (const auto& [kind, cell] : Table()) {
    for (const std::string& clipping : kClippings) {
      for (const Masks masks : kMasks) {
        const Combination wanted{kind, clipping, masks};
        const std::string refusal = submission.RefusalOf(PlanText(wanted));
        const std::string keys = KeysRefused(wanted, cell);
        INFO(wanted.Text() << ": " << refusal);
        CHECK(refusal.empty() == keys.empty());
        if (!keys.empty()) CHECK(Names(refusal, keys));
        ++(keys.empty() ? taken : refused);
      }
    }
  }
  // 5 kinds of central noise x 12, 4 of distributed x 8, 1 of local x 6.
  CHECK(taken == 98);
  CHECK(refused == 118);
}

TEST_CASE("each accountant takes what the table says that it covers") {
  Submission submission;
  for (const auto& [kind, cell] : Table()) {
    for (const auto& [key, name] : {std::pair{"rdp", "RDP"}, {"pld", "PLD"}}) {
      const Combination wanted{.kind = kind,
                               .masks = Masks::kSkipped,
                               .more = absl::StrCat(", accountant: ", key)};
      const std::string refusal = submission.RefusalOf(PlanText(wanted));
      INFO(wanted.Text() << " (" << cell << "): " << refusal);
      CHECK(refusal.empty() == (cell.find(name) != std::string::npos));
      if (!refusal.empty()) {
        CHECK(Names(refusal,
                    "privacy.noise, privacy.sampling, privacy.neighbours"));
      }
    }
  }
}

TEST_CASE("one more or less without sampling is for all of the population") {
  Submission submission;
  for (const auto& [kind, cell] : Table()) {
    if (kind.sampling != "none" || cell == "-") continue;
    std::string text = PlanText({.kind = kind, .masks = Masks::kSkipped});
    const auto at = text.find("cohort_size: 9");
    text.replace(at, std::string("cohort_size: 9").size(), "cohort_size: 8");
    const std::string refusal = submission.RefusalOf(text);
    INFO(kind.noise << " " << kind.neighbours << ": " << refusal);
    if (kind.neighbours == "add_or_remove_one") {
      CHECK(Names(refusal, "privacy.neighbours"));
    } else {
      CHECK(refusal == "");
    }
  }
}

TEST_CASE("masks are skipped only where there would be any") {
  Submission submission;
  std::string text = PlanText(SizesOf("none"), Masks::kSkipped, "");
  text.erase(text.find("secure_aggregation"));
  CHECK(Names(submission.RefusalOf(text), "simulation.skip_masks"));
}

TEST_CASE("without noise a plan runs, and masks do not change its models") {
  Submission submission;
  const Sizes sizes = SizesOf("none");
  std::vector<std::string> models;
  for (const Masks masks : kMasks) {
    const Made made =
        submission.Run(PlanText(sizes, masks, ""), sizes.population);
    CHECK(made.rounds == 2);
    CHECK(made.spend.rounds() == 0);
    models.push_back(made.model);
  }
  CHECK(models[0] == models[1]);
}

// The quick accountant, where it covers the kind; every kind runs with the
// tightest one with the first clipping.
std::string MoreOf(const std::string& clipping, const std::string& cell) {
  const bool is_quick =
      clipping != kClippings.front() && cell.find("RDP") != std::string::npos;
  return is_quick ? ", accountant: rdp" : "";
}

// A run's epsilon is that of its plan to the last bit, but for norms that
// adapt: the plan is reckoned with the dearest.
void CheckPrice(const Made& made, const ctl::Spending& planned,
                bool is_adaptive) {
  CHECK(made.rounds == 2);
  CHECK(made.spend.rounds() == 2);
  CHECK(planned.rounds == 2);
  const auto spent = made.spend.At(made.spend.delta());
  REQUIRE(spent.ok());
  CHECK(spent->delta == planned.delta);
  CHECK(spent->accountant == planned.accountant);
  if (is_adaptive) {
    CHECK(spent->epsilon <= planned.epsilon);
    CHECK(spent->epsilon > 0.98 * planned.epsilon);
  } else {
    CHECK(spent->epsilon == planned.epsilon);
  }
}

// Runs all plans of a noise that are taken.
void RunAll(const std::string& noise) {
  Submission submission;
  int runs = 0;
  for (const auto& [kind, cell] : Table()) {
    if (kind.noise != noise) continue;
    for (const std::string& clipping : kClippings) {
      std::optional<ctl::Spending> planned;
      std::string model_with_masks;
      for (const Masks masks : kMasks) {
        const Combination wanted{kind, clipping, masks, MoreOf(clipping, cell)};
        if (!KeysRefused(wanted, cell).empty()) continue;
        const std::string text = PlanText(wanted);
        INFO(wanted.Text());
        const Made made =
            submission.Run(text, SizesOf(kind.sampling).population);
        ++runs;
        // Masks cost no epsilon.
        if (!planned) planned = submission.Planned(text);
        CheckPrice(made, *planned, wanted.IsAdaptive());
        if (masks == Masks::kReal) model_with_masks = made.model;
        if (masks == Masks::kSkipped) CHECK(made.model == model_with_masks);
      }
    }
  }
  CHECK(runs > 0);
}

TEST_CASE("central noise runs from every plan that is taken, at its price") {
  RunAll("central");
}

TEST_CASE("distributed noise runs from every plan taken, at its price") {
  RunAll("distributed");
}

TEST_CASE("local noise runs from every plan that is taken, at its price") {
  RunAll("local");
}

}  // namespace
}  // namespace tributary::simulation
