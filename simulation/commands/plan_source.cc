// SPDX-License-Identifier: Apache-2.0
#include "simulation/commands/plan_source.h"

#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "privacy/crypto/random.h"
#include "proto/codec/paths.h"
#include "proto/codec/privacy.h"
#include "proto/codec/privacy_rules.h"
#include "proto/codec/yaml.h"

namespace tributary::simulation {
namespace {

// Puts the folder of data sets in place of "${data}".
absl::Status PlaceData(const PlanSource& source, v1::Plan& plan) {
  absl::Status status;
  codec::ForEachPath(plan, [&](const std::string& key, std::string& path) {
    if (!path.starts_with(codec::kDataFolder)) return;
    if (source.data) {
      const std::string rest = path.substr(codec::kDataFolder.size());
      std::error_code error;
      auto folder = std::filesystem::absolute(*source.data, error);
      if (error) folder = *source.data;
      path = std::filesystem::path(folder.string() + rest)
                 .lexically_normal()
                 .string();
    } else if (status.ok()) {
      status = absl::InvalidArgumentError(
          absl::StrCat(source.file.string(), ": ", key, ": ", path,
                       ": say with --data FOLDER where the data sets are"));
    }
  });
  return status;
}

}  // namespace

absl::StatusOr<v1::Plan> ReadSimulationPlan(const PlanSource& source) {
  auto plan = codec::ReadPlan(source.file, source.settings);
  if (!plan.ok()) return plan.status();
  if (!plan->has_simulation()) {
    return absl::InvalidArgumentError(absl::StrCat(
        source.file.string(), ": simulation: required by tributary-simulate"));
  }
  if (auto placed = PlaceData(source, *plan); !placed.ok()) return placed;
  if (!plan->has_seed()) {
    plan->set_seed(source.seed ? *source.seed : SystemRandom().Word());
  }
  if (source.workers) plan->mutable_simulation()->set_workers(*source.workers);
  return plan;
}

absl::Status CompletePlan(v1::Plan& plan, const Manifest& manifest) {
  if (!plan.has_privacy()) return absl::OkStatus();
  if (auto fits = codec::CheckPrivateModel(plan, manifest); !fits.ok()) {
    return fits;
  }
  return codec::CompletePrivacy(plan, manifest);
}

absl::Status InPlan(const PlanSource& source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(source.file.string(), ": ",
                                                  status.message()));
}

}  // namespace tributary::simulation
