// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/script.h>

#include "client/torch/computation.h"

namespace tributary::torch_internal {
namespace {

bool AnyRandom(torch::jit::Block* block) {
  for (torch::jit::Node* node : block->nodes()) {
    if (node->isNondeterministic()) return true;
    for (torch::jit::Block* inner : node->blocks()) {
      if (AnyRandom(inner)) return true;
    }
  }
  return false;
}

class Archive final : public Computation {
 public:
  Archive(const std::string& file, const torch::Device& device)
      : module_(torch::jit::load(file, device)) {
    std::shared_ptr<torch::jit::Graph> graph =
        module_.get_method("forward").graph()->copy();
    torch::jit::Inline(*graph);
    draws_random_ = AnyRandom(graph->block());
  }

  torch::Tensor Forward(const torch::Tensor& batch) override {
    // The optimising executor rewrites the graph after the first runs, and with
    // it the rounding: a task would not repeat bit by bit. The switch is the
    // thread's own.
    torch::jit::setGraphExecutorOptimize(false);
    return module_.forward({batch}).toTensor();
  }
  void SetMode(Mode mode) override { module_.train(mode == Mode::kTraining); }
  std::vector<NamedTensor> Parameters() override {
    std::vector<NamedTensor> named;
    for (const auto& pair : module_.named_parameters(/*recurse=*/true)) {
      named.push_back({pair.name, pair.value});
    }
    return named;
  }
  std::vector<NamedTensor> Buffers() override {
    std::vector<NamedTensor> named;
    for (const auto& pair : module_.named_buffers(/*recurse=*/true)) {
      named.push_back({pair.name, pair.value});
    }
    return named;
  }
  Shape InputShape() const override { return {}; }
  bool DrawsRandom() const override { return draws_random_; }

 private:
  torch::jit::Module module_;
  bool draws_random_ = true;
};

}  // namespace

std::unique_ptr<Computation> LoadArchive(const std::string& file,
                                         const torch::Device& device) {
  return std::make_unique<Archive>(file, device);
}

}  // namespace tributary::torch_internal
