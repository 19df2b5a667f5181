// SPDX-License-Identifier: Apache-2.0
// What becomes of a plan that an operator submits.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/checkpoint/plan_options.h"
#include "coordinator/runner/first_model.h"
#include "coordinator/runner/runner.h"
#include "proto/codec/integers.h"
#include "proto/codec/privacy.h"
#include "proto/codec/yaml.h"

namespace tributary::coordinator {
namespace {

// Whether its rounds can be opened: their integers, and the sessions in which
// they are masked.
absl::Status CheckPacked(const v1::Plan& plan, const Manifest& manifest) {
  if (plan.update().encoding() != v1::UpdatePlan::PACKED) {
    return absl::OkStatus();
  }
  const auto integers =
      codec::ToIntegerUpdate(plan, manifest, plan.privacy().clipping().norm());
  if (!integers.ok()) return integers.status();
  if (!plan.has_secure_aggregation()) return absl::OkStatus();
  const auto format = codec::ToIntegerFormat(*integers, plan.update(), manifest,
                                             plan.strategy());
  if (!format.ok()) return format.status();
  return codec::ToTerms(plan, format->Words(), format->word_bits).status();
}

}  // namespace

// What a plan promises of privacy and this coordinator could not keep.
absl::Status Runner::CheckPromises(const v1::Plan& plan) const {
  if (plan.has_privacy() && plan.has_seed()) {
    return absl::InvalidArgumentError(
        "seed: cannot stand beside privacy, for whoever knows it can say who "
        "is in each cohort; leave it out (the simulator alone takes both)");
  }
  if (plan.has_privacy() && !ledger_.damage().ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("privacy: what was spent is not known: ",
                     std::string(ledger_.damage().message()), kPutBack));
  }
  if (plan.simulation().skip_masks()) {
    return absl::InvalidArgumentError(
        "simulation.skip_masks: is the simulator's alone, here every secure "
        "session has its masks; leave it out");
  }
  if (plan.has_secure_aggregation() && authority() == nullptr) {
    return absl::FailedPreconditionError(
        "secure_aggregation: this coordinator knows nobody who vouches for "
        "clients; name tls.authority in its configuration, beside insecure "
        "too, and restart it");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int>> Runner::Afford(
    v1::Plan& plan, const Manifest& manifest) const {
  if (!plan.has_privacy()) return std::nullopt;
  if (auto status = codec::CompletePrivacy(plan, manifest); !status.ok()) {
    return status;
  }
  const absl::StatusOr<std::int64_t> rounds = codec::AffordableRounds(
      plan, manifest, ledger_.OfPopulation(plan.population()));
  if (!rounds.ok()) return rounds.status();
  return static_cast<int>(*rounds);
}

absl::StatusOr<v1::RunSummary> Runner::Submit(const v1::Plan& plan,
                                              const Digest& weights,
                                              const Digest* archive) {
  if (options_.is_aggregator) {
    return absl::FailedPreconditionError(
        "this coordinator is an aggregator: runs come from its parent; submit "
        "there");
  }
  if (absl::Status valid = codec::ValidatePlan(plan); !valid.ok()) return valid;
  if (absl::Status here = CheckPromises(plan); !here.ok()) return here;
  v1::Plan effective = codec::WithDefaults(plan);
  absl::StatusOr<round::Options> options = checkpoint::ToOptions(effective);
  if (!options.ok()) return options.status();
  absl::StatusOr<Digest> first =
      MakeFirstModel(disk_.blobs, weights, effective);
  if (!first.ok()) return first.status();
  absl::StatusOr<ModelFormat> format =
      ReadModelFormat(disk_.blobs, *first, effective);
  if (!format.ok()) return format.status();
  const bool needs_archive = effective.model().architecture().kind_case() ==
                             v1::Architecture::kTorchscript;
  if (needs_archive != (archive != nullptr) ||
      (archive != nullptr && !disk_.blobs.Has(*archive))) {
    return absl::InvalidArgumentError(
        needs_archive ? "model.architecture.torchscript: its archive is missing"
                      : "an archive came with a built-in architecture");
  }

  const std::int64_t earlier_debits =
      ledger_.OfPopulation(effective.population()).rounds();
  absl::StatusOr<std::optional<int>> max_debits =
      Afford(effective, format->manifest);
  if (!max_debits.ok()) return max_debits.status();
  if (auto packed = CheckPacked(effective, format->manifest); !packed.ok()) {
    return packed;
  }

  Key key{};
  if (effective.has_seed()) {
    key = KeyFromSeed(effective.seed());
  } else {
    SystemRandom().Fill(key);
  }
  store::RunRow row;
  row.plan = effective.SerializeAsString();
  row.key = std::string(key.begin(), key.end());
  row.first_model = *first;
  if (archive != nullptr) row.archive = std::string(archive->AsBytes());
  row.state = v1::RUNNING;
  row.submitted = ToMilliseconds(std::chrono::system_clock::now());
  row.max_debits = *max_debits;
  auto shared = std::make_shared<const ModelFormat>(*std::move(format));
  return Ask([this, row, shared, weights, earlier_debits] {
    absl::StatusOr<std::string> run = Begin(row, shared, earlier_debits);
    if (run.ok() && row.first_model != weights) {
      outbox_.push_back([this, weights] { RemoveUnkeptBlobs({weights}); });
    }
    return run;
  });
}

}  // namespace tributary::coordinator
