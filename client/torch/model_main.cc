// SPDX-License-Identifier: Apache-2.0
// tributary-model: makes, shows and exports model files.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "client/torch/model_commands.h"

namespace {

constexpr int kUsage = 2;

int Exit(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << "tributary-model: " << status.message() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using tributary::model_commands::Format;
  CLI::App app("Makes, shows and exports Tributary model files");
  app.set_version_flag("--version",
                       std::string("tributary-model ") + TRIBUTARY_VERSION);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  namespace commands = tributary::model_commands;
  if (*init) return Exit(commands::Init(file, out, format, std::cout));
  if (*inspect) return Exit(commands::Inspect(file, format, std::cout));
  return Exit(commands::Export(file, archive, out, format, std::cout));
}
