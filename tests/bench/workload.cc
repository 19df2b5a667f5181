// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/workload.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "client/torch/archive_file.h"
#include "proto/codec/yaml.h"

namespace tributary::bench {
namespace {

constexpr std::uint32_t kBatch = 10;

v1::Architecture TwoLayers() {
  v1::Architecture architecture;
  architecture.mutable_mlp()->set_inputs(784);
  architecture.mutable_mlp()->add_hidden(200);
  architecture.mutable_mlp()->add_hidden(200);
  architecture.mutable_mlp()->set_outputs(10);
  return architecture;
}

// The same network as an archive, which goes through autograd.
v1::Architecture Archived(const v1::Architecture& architecture) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      ("tributary-bench-" + std::to_string(getpid()) + ".pt");
  v1::Plan plan;
  *plan.mutable_model()->mutable_architecture() = architecture;
  const simulation::FirstModel first = FirstModelOf(plan);
  CheckOk(ExportArchive(architecture, {}, first.model->manifest,
                        first.model->weights, file));
  v1::Architecture archived;
  archived.set_torchscript(file.string());
  return archived;
}

}  // namespace

void Give(const std::string& up) {
  std::fprintf(stderr, "tributary-bench-updates: %s\n", up.c_str());
  std::exit(1);
}

void CheckOk(const absl::Status& status) {
  if (!status.ok()) Give(status.ToString());
}

Workload WorkloadOf(const std::string& name) {
  if (name == "logistic_60x10") {
    v1::Architecture architecture;
    architecture.mutable_linear()->set_inputs(60);
    architecture.mutable_linear()->set_outputs(10);
    return {architecture, {60}, 50, 0.1, 200};
  }
  if (name == "fedavg_2nn") return {TwoLayers(), {784}, 60, 0.1, 40};
  if (name == "torchscript_2nn") {
    return {Archived(TwoLayers()), {784}, 60, 0.1, 40};
  }
  if (name == "fedavg_cnn") {
    v1::Architecture architecture;
    architecture.mutable_fedavg_cnn();
    return {architecture, {1, 28, 28}, 60, 0.05, 6};
  }
  Give("no workload " + name);
}

v1::Plan PlanOf(const Workload& workload) {
  v1::Plan plan;
  plan.set_name("bench");
  plan.set_population("bench");
  plan.set_seed(1);
  *plan.mutable_model()->mutable_architecture() = workload.architecture;
  auto* round = plan.mutable_round();
  round->set_cohort_size(static_cast<std::uint32_t>(workload.clients));
  round->set_over_selection(1);
  round->set_min_updates(static_cast<std::uint32_t>(workload.clients));
  round->mutable_deadline()->set_seconds(3600);
  plan.mutable_simulation()->set_clients(
      static_cast<std::uint32_t>(workload.clients));
  plan.mutable_training()->set_epochs(1);
  plan.mutable_training()->set_batch_size(kBatch);
  plan.mutable_training()->set_learning_rate(workload.rate);
  plan.mutable_update()->set_max_abs(8);
  plan.mutable_update()->set_max_weight(100);
  return codec::WithDefaults(plan);
}

simulation::FirstModel FirstModelOf(const v1::Plan& plan) {
  auto first = simulation::LoadFirstModel(plan, KeyFromSeed(1));
  CheckOk(first.status());
  return *std::move(first);
}

std::shared_ptr<const Dataset> DataOf(const Workload& workload) {
  auto data = std::make_shared<Dataset>();
  data->example_shape = workload.example_shape;
  KeyedStream random(KeyFromSeed(2), "data");
  const std::size_t examples = workload.clients * workload.examples;
  std::size_t length = 1;
  for (const auto extent : workload.example_shape) {
    length *= static_cast<std::size_t>(extent);
  }
  data->features.resize(examples * length);
  // Mean and variance are those of a standard normal value.
  for (float& value : data->features) {
    value = static_cast<float>((random.Uniform() - 0.5) * 3.4641);
  }
  for (std::size_t i = 0; i < examples; ++i) {
    data->targets.push_back(static_cast<float>(random.Below(10)));
  }
  return data;
}

std::vector<std::uint32_t> RowsOf(const Workload& workload,
                                  std::size_t client) {
  std::vector<std::uint32_t> rows(workload.examples);
  for (std::uint32_t i = 0; i < workload.examples; ++i) {
    rows[i] = static_cast<std::uint32_t>(client) * workload.examples + i;
  }
  return rows;
}

int TimedRounds(const Workload& workload) {
  return std::max(2, 2000 / static_cast<int>(workload.clients));
}

}  // namespace tributary::bench
