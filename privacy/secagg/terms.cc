// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/terms.h"

#include "absl/strings/str_cat.h"
#include "privacy/secagg/modulus.h"
#include "privacy/secagg/packing.h"
#include "privacy/secagg/statement.h"

namespace tributary::secagg {
namespace {

// Both names of what the client's owner can set: in a program and on its
// command line.
absl::Status Below(const char* what, std::uint64_t offered, std::uint64_t least,
                   const char* floor, const char* option) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the session offers ", what, " ", offered,
      ", this client demands at least ", least,
      " (ClientOptions::secure_aggregation.", floor, ", ", option, ")"));
}

}  // namespace

absl::Status Terms::Validate() const {
  const auto demand = [](bool holds, const char* field, std::uint64_t value,
                         const char* wanted) {
    if (holds) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": ", value, " is not ", wanted));
  };
  for (const absl::Status& status : {
           demand(!run.empty() && run.size() <= 128, "run", run.size(),
                  "1 to 128 bytes long"),
           demand(length >= 1, "length", length, "at least 1"),
           demand(word_bits >= kMinWordBits && word_bits <= kMaxWordBits,
                  "word_bits", static_cast<std::uint64_t>(word_bits),
                  "in 8 .. 62"),
           demand(min_survivors >= 2, "min_survivors", min_survivors,
                  "at least 2"),
           demand(min_cohort >= 3 && min_cohort > min_survivors, "min_cohort",
                  min_cohort, "at least 3 and above min_survivors"),
           demand(max_cohort >= min_cohort && max_cohort <= kMaxCohort,
                  "max_cohort", max_cohort, "in min_cohort .. 1048576"),
       }) {
    if (!status.ok()) return status;
  }
  if (LargestInput() < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "word_bits: ", word_bits, " hold no sum of ", max_cohort, " clients"));
  }
  return RiskOf(min_cohort).Validate();
}

std::int64_t Terms::LargestInput() const {
  return secagg::LargestInput(word_bits, max_cohort);
}

Digest Terms::Hash() const {
  return Statement("terms")
      .Add(model.AsBytes())
      .Add(plan.AsBytes())
      .Add(run)
      .Add(round)
      .Add(attempt)
      .Add(length)
      .Add(static_cast<std::uint64_t>(word_bits))
      .Add(Name(cipher))
      .Add(min_cohort)
      .Add(min_survivors)
      .Add(max_cohort)
      .Add(corrupt_per_mille)
      .Add(dropped_per_mille)
      .Add(adversary == Adversary::kSemiHonest ? "semi-honest"
                                               : "semi-malicious")
      .Hash();
}

absl::Status Policy::Admits(const Terms& terms) const {
  if (terms.min_cohort < min_cohort) {
    return Below("min_cohort", terms.min_cohort, min_cohort, "min_cohort",
                 "--min-cohort");
  }
  if (terms.min_survivors < min_survivors) {
    return Below("min_survivors", terms.min_survivors, min_survivors,
                 "min_survivors", "--min-survivors");
  }
  if (terms.length < min_length) {
    return Below("length", terms.length, min_length, "min_length",
                 "--min-length");
  }
  if (terms.word_bits < min_word_bits) {
    return Below("word_bits", static_cast<std::uint64_t>(terms.word_bits),
                 static_cast<std::uint64_t>(min_word_bits), "min_word_bits",
                 "--min-word-bits");
  }
  if (terms.corrupt_per_mille < min_corrupt_per_mille) {
    return Below("corrupt_per_mille", terms.corrupt_per_mille,
                 min_corrupt_per_mille, "min_corrupt_per_mille",
                 "--min-corrupt");
  }
  if (terms.adversary == Adversary::kSemiHonest &&
      adversary == Adversary::kSemiMalicious) {
    return absl::FailedPreconditionError(
        "the session trusts the coordinator to follow the protocol, this "
        "client does not "
        "(ClientOptions::secure_aggregation.adversary, --adversary)");
  }
  return absl::OkStatus();
}

absl::Status Policy::Admits(std::uint32_t clients,
                            const GraphParameters& graph) const {
  if (clients < min_cohort)
    return Below("clients", clients, min_cohort, "min_cohort", "--min-cohort");
  if (std::uint64_t{graph.threshold} * 1000 <
      std::uint64_t{graph.degree} * min_threshold_per_mille) {
    return Below("threshold_per_mille",
                 std::uint64_t{graph.threshold} * 1000 / graph.degree,
                 min_threshold_per_mille, "min_threshold_per_mille",
                 "--min-threshold");
  }
  return absl::OkStatus();
}

Digest SessionId(const Terms& terms, const Digest& root,
                 std::uint32_t clients) {
  return Statement("session")
      .Add(terms.Hash().AsBytes())
      .Add(root.AsBytes())
      .Add(clients)
      .Hash();
}

}  // namespace tributary::secagg
