// SPDX-License-Identifier: Apache-2.0
#include "simulation/run_identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
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

}  // namespace

RunIdentity IdentityOf(const v1::Plan& plan, const Population& population,
                       const Digest& first_model, TorchDevice::Kind device) {
  return {.software = TRIBUTARY_VERSION,
          .plan = codec::ToYaml(plan),
          .data = DigestOf(population),
          .first_model = first_model,
          .device = NameOf(device)};
}

v1::SimulationIdentity MessageOf(const RunIdentity& identity) {
  v1::SimulationIdentity message;
  message.set_software(identity.software);
  message.set_plan(identity.plan);
  message.set_data(identity.data);
  message.set_first_model(std::string(identity.first_model.AsBytes()));
  message.set_device(identity.device);
  return message;
}

absl::StatusOr<RunIdentity> IdentityIn(const v1::SimulationIdentity& message) {
  const auto model = Digest::FromBytes(message.first_model());
  if (!model.ok()) return model.status();
  RunIdentity identity{.software = message.software(),
                       .plan = message.plan(),
                       .data = message.data(),
                       .first_model = *model};
  // Without one it is from before there was a choice.
  if (!message.device().empty()) identity.device = message.device();
  return identity;
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

// How two runs differ; empty if they are the same.
absl::StatusOr<std::string> DifferenceOf(const RunIdentity& was,
                                         const RunIdentity& is) {
  if (was.software != is.software) {
    return absl::StrCat("the program was version ", was.software, ", is ",
                        is.software);
  }
  auto difference = DifferenceOf(was.plan, is.plan, Clients::kInPlan);
  if (!difference.ok() || !difference->empty()) return difference;
  if (was.data != is.data) {
    return "the data are not those that the run began with";
  }
  if (was.first_model != is.first_model) {
    return "the first model was " + was.first_model.Hex() + ", is " +
           is.first_model.Hex();
  }
  if (was.device != is.device) {
    return absl::StrCat("--device was ", was.device, ", is ", is.device);
  }
  return "";
}

absl::Status CheckSame(const RunIdentity& was, const RunIdentity& is) {
  const auto difference = DifferenceOf(was, is);
  if (!difference.ok()) return difference.status();
  if (difference->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(*difference, "; only the very same run goes on"));
}

absl::Status CheckAllSame(const RunIdentity& own, Ranks& ranks) {
  const auto all = ranks.Gather(MessageOf(own).SerializeAsString());
  if (!all.ok()) return all.status();
  std::optional<RunIdentity> first;
  for (std::size_t rank = 0; rank < all->size(); ++rank) {
    v1::SimulationIdentity said;
    if (!said.ParseFromString((*all)[rank])) {
      return absl::DataLossError(
          absl::StrCat("rank ", rank, " did not say what it is to run"));
    }
    auto identity = IdentityIn(said);
    if (!identity.ok()) return identity.status();
    if (!first) {
      first = *std::move(identity);
      continue;
    }
    const auto difference = DifferenceOf(*first, *identity);
    if (!difference.ok()) return difference.status();
    if (difference->empty()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "rank ", rank, " is to make another run than rank 0: ", *difference));
  }
  return absl::OkStatus();
}

}  // namespace tributary::simulation
