// SPDX-License-Identifier: Apache-2.0
#include "simulation/run_identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/yaml.h"
#include "simulation/same_plan.h"

namespace tributary::simulation {
namespace {

// Lengths go in before what they count, so that nothing can move from one list
// to the next unseen.
class Hash {
 public:
  Hash() { XXH3_128bits_reset(&state_); }

  void Add(std::uint64_t number) {
    XXH3_128bits_update(&state_, &number, sizeof(number));
  }
  template <typename Values>
  void AddAll(const Values& values) {
    Add(values.size());
    XXH3_128bits_update(&state_, values.data(),
                        values.size() * sizeof(*values.data()));
  }
  void Add(const Dataset* data) {
    if (data == nullptr) return Add(std::uint64_t{0});
    AddAll(data->example_shape);
    AddAll(data->features);
    AddAll(data->targets);
  }
  std::string Finish() {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
    return {reinterpret_cast<const char*>(canonical.digest),
            sizeof(canonical.digest)};
  }

 private:
  XXH3_state_t state_;
};

absl::Status Differs(const std::string& how) {
  return absl::FailedPreconditionError(
      absl::StrCat(how, "; only the very same run goes on"));
}

}  // namespace

RunIdentity IdentityOf(const v1::Plan& plan, const Population& population,
                       const Digest& first_model) {
  return {.software = TRIBUTARY_VERSION,
          .plan = codec::ToYaml(plan),
          .data = DigestOf(population),
          .first_model = first_model};
}

std::string DigestOf(const Population& population) {
  const auto hash = std::make_unique<Hash>();
  hash->Add(population.train.get());
  hash->Add(population.test.get());
  const Partition& partition = population.partition;
  hash->Add(partition.clients());
  for (std::size_t part = 0; part < partition.parts(); ++part) {
    hash->AddAll(partition.Of(part));
  }
  return hash->Finish();
}

absl::Status CheckSame(const RunIdentity& was, const RunIdentity& is) {
  if (was.software != is.software) {
    return Differs(absl::StrCat("the program was version ", was.software,
                                ", is ", is.software));
  }
  const auto difference = DifferenceOf(was.plan, is.plan, Clients::kInPlan);
  if (!difference.ok()) return difference.status();
  if (!difference->empty()) return Differs(*difference);
  if (was.data != is.data) {
    return Differs("the data are not those that the run began with");
  }
  if (was.first_model != is.first_model) {
    return Differs("the first model was " + was.first_model.Hex() + ", is " +
                   is.first_model.Hex());
  }
  return absl::OkStatus();
}

}  // namespace tributary::simulation
