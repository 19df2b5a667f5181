// SPDX-License-Identifier: Apache-2.0
// tributary-model: makes, shows and exports model files.
#include <iostream>
#include <string>
#include <vector>

#include "client/torch/model_commands.h"
#include "proto/command_line/read.h"

namespace {

int Exit(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << "tributary-model: " << status.message() << "\n";
  return tributary::command_line::kFailure;
}

}  // namespace

int main(int argc, char** argv) {
  using tributary::model_commands::Format;
  CLI::App app("Makes, shows and exports Tributary model files",
               "tributary-model");
  app.require_subcommand(1);
  app.fallthrough();
  Format format = Format::kTable;
  app.add_flag_callback(
      "--json", [&] { format = Format::kJson; }, "print JSON");

  std::string file, out, archive;
  CLI::App* init = app.add_subcommand(
      "init",
      "make a plan's first model (reproducible if the plan has a seed)");
  init->add_option("PLAN", file, "plan.yaml")->required();
  init->add_option("--out", out, "model file to write (.safetensors)")
      ->required();
  CLI::App* inspect = app.add_subcommand("inspect", "show what a file holds");
  inspect->add_option("FILE", file, "a model (.safetensors) or archive (.pt)")
      ->required();
  CLI::App* export_model = app.add_subcommand(
      "export", "write a TorchScript archive with a model's weights");
  export_model->add_option("FILE", file, "a model (.safetensors)")->required();
  export_model->add_option("--out", out, "archive to write (.pt)")->required();
  export_model->add_option("--archive", archive,
                           "the archive the model was made from, unless it "
                           "lies beside the model");
  if (const auto code = tributary::command_line::Read(
          app, TRIBUTARY_VERSION,
          std::vector<std::string>(argv + 1, argv + argc), std::cout,
          std::cerr)) {
    return *code;
  }
  namespace commands = tributary::model_commands;
  if (*init) return Exit(commands::Init(file, out, format, std::cout));
  if (*inspect) return Exit(commands::Inspect(file, format, std::cout));
  return Exit(commands::Export(file, archive, out, format, std::cout));
}
