// SPDX-License-Identifier: Apache-2.0
// tributary-client: takes part in a population with the LibTorch trainer over a
// data file or folder. Runs until it is told to stop.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/program/progress_log.h"
#include "client/program/stop_on_signal.h"
#include "proto/command_line/no_core_dumps.h"
#include "proto/command_line/read.h"
#include "tributary/client.h"
#include "tributary/dataset.h"
#include "tributary/torch_trainer.h"

namespace tributary::program {
namespace {

using command_line::kFailure;
using command_line::kInterrupted;
using command_line::kUsage;

struct DataFiles {
  std::string train, train_labels;
  std::string test, test_labels;
  CsvOptions csv;
};

// Whether there is such a device is known at once, before data are read.
void AddDevice(CLI::App& app, TorchDevice& device) {
  app.add_option_function<std::string>(
         "--device",
         [&device](const std::string& name) {
           const auto chosen = ChooseTorchDevice(name);
           if (!chosen.ok()) {
             throw CLI::ValidationError("--device " + name,
                                        std::string(chosen.status().message()));
           }
           device = *chosen;
         },
         "where to train: cpu, cuda, or auto, which is cuda where there is "
         "some (default: cpu)")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

// The SDK names its options' fields; here they are options of a command line.
std::string InOptions(const std::string& message) {
  constexpr std::pair<std::string_view, std::string_view> kOptions[] = {
      {"credentials.authority:", "--ca:"},
      {"credentials.certificate:", "--cert:"},
      {"credentials.key:", "--key:"},
      {"state_folder:", "--state:"},
      {"max_updates:", "--max-updates:"},
      {"coordinator:", "--coordinator:"},
      {"fallbacks:", "--fallback:"},
      {"patience:", "--patience:"},
      {"population:", "--population:"},
      {"insecure:", "--insecure:"},
      {"name:", "--name:"},
      {"evaluator:", "--evaluator:"},
      {"secure_aggregation.use:", "--secure-aggregation:"},
      {"secure_aggregation.min_cohort:", "--min-cohort:"},
      {"secure_aggregation.min_survivors:", "--min-survivors:"},
      {"secure_aggregation.min_length:", "--min-length:"},
      {"secure_aggregation.min_word_bits:", "--min-word-bits:"},
      {"secure_aggregation.min_corrupt_per_mille:", "--min-corrupt:"},
      {"secure_aggregation.min_threshold_per_mille:", "--min-threshold:"},
      {"secure_aggregation.min_noise_multiplier:", "--min-noise:"}};
  for (const auto& [field, option] : kOptions) {
    if (message.starts_with(field)) {
      return std::string(option) + message.substr(field.size());
    }
  }
  return message;
}

int Fail(const absl::Status& status, int code) {
  std::cerr << "tributary-client: " << InOptions(std::string(status.message()))
            << "\n";
  return code;
}

void AddOptions(CLI::App& app, ClientOptions& client, DataFiles& data) {
  app.add_option("--coordinator", client.coordinator, "HOST:PORT")->required();
  app.add_option("--fallback", client.fallbacks,
                 "HOST:PORT to go to when it cannot be reached; repeated: in "
                 "this order")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option_function<double>(
         "--patience",
         [&client](double seconds) {
           client.patience = std::chrono::milliseconds(
               static_cast<std::int64_t>(seconds * 1e3));
         },
         "seconds without a connection before it goes there (default: 30)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86'400.0));
  app.add_option("--population", client.population,
                 "population to take part in")
      ->required();
  app.add_option("--ca", client.credentials.authority,
                 "the authority's certificate (PEM)");
  app.add_option("--cert", client.credentials.certificate,
                 "this client's certificate (PEM)");
  app.add_option("--key", client.credentials.key,
                 "this client's private key (PEM)");
  app.add_option("--state", client.state_folder,
                 "folder of this client's state, made if missing")
      ->required();
  app.add_option("--data", data.train,
                 "training data: CSV, IDX or a folder of CSV files, plain or "
                 ".gz");
  app.add_option("--labels", data.train_labels, "labels of IDX training data");
  app.add_option("--test", data.test, "test data, for an evaluator");
  app.add_option("--test-labels", data.test_labels, "labels of IDX test data");
  app.add_option("--label-column", data.csv.label_column,
                 "label column of CSV data, from 0; negative counts from the "
                 "end (default: -1)");
  app.add_flag("--header", data.csv.header,
               "the first line of CSV data holds names");
  app.add_option("--scale", data.csv.scale,
                 "multiply each feature by this (default: 1)");
  app.add_option("--max-updates", client.max_updates,
                 "leave after this many accepted updates (default: never)");
  app.add_flag("--insecure", client.insecure,
               "no TLS; loopback only, with --name");
  app.add_option("--name", client.name, "this client's name, without TLS");
  app.add_flag("--evaluator", client.evaluator,
               "take evaluation tasks, without TLS");
}

// Floors: a coordinator may offer more, never less.
void AddSecureAggregation(CLI::App& app, SecureAggregationOptions& secure) {
  using Use = SecureAggregationOptions::Use;
  using Adversary = SecureAggregationOptions::Adversary;
  app.add_option_function<std::string>(
         "--secure-aggregation",
         [&secure](const std::string& name) {
           secure.use = name == "required" ? Use::kRequired : Use::kAllowed;
         },
         "allowed, or required: no task without it is taken (default: "
         "allowed)")
      ->check(CLI::IsMember({"allowed", "required"}));
  app.add_option_function<std::string>(
         "--adversary",
         [&secure](const std::string& name) {
           secure.adversary = name == "semi_honest" ? Adversary::kSemiHonest
                                                    : Adversary::kSemiMalicious;
         },
         "the coordinator that secure sessions must withstand: semi_honest "
         "follows the protocol, semi_malicious lies (default: "
         "semi_malicious)")
      ->check(CLI::IsMember({"semi_honest", "semi_malicious"}));
  const auto floor = [&app](const char* name, auto& value, const char* text) {
    app.add_option(name, value, text)->capture_default_str();
  };
  floor("--min-cohort", secure.min_cohort,
        "fewest clients in a secure session");
  floor("--min-survivors", secure.min_survivors,
        "fewest updates in a secure sum");
  floor("--min-length", secure.min_length,
        "shortest update in a secure sum, in words");
  floor("--min-word-bits", secure.min_word_bits,
        "narrowest modulus of a secure sum, in bits");
  floor("--min-corrupt", secure.min_corrupt_per_mille,
        "clients that may work for the coordinator without its seeing an "
        "update, in thousandths of a session");
  floor("--min-threshold", secure.min_threshold_per_mille,
        "peers that it takes to recover a secret of this client, in "
        "thousandths of those that hold shares of it");
  floor(
      "--min-noise", secure.min_noise_multiplier,
      "noise multiplier that clients give a secure sum, or this one an update "
      "without masks, themselves; other tasks are refused, evaluations "
      "included; 0: none is demanded");
}

// Null if no file is named.
absl::StatusOr<std::shared_ptr<const Dataset>> Read(const std::string& file,
                                                    const std::string& labels,
                                                    const CsvOptions& options) {
  if (file.empty()) return nullptr;
  auto data = ReadData(file, labels, options);
  if (!data.ok()) return data.status();
  return std::make_shared<const Dataset>(*std::move(data));
}

int Main(int argc, char** argv) {
  // Its errors come as progress too, in a line. Who sets it sees them.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app("Takes part in federated training over local data",
               "tributary-client");
  ClientOptions options;
  DataFiles files;
  TorchDevice device;
  AddOptions(app, options, files);
  AddDevice(app, device);
  AddSecureAggregation(app, options.secure_aggregation);
  if (const auto code =
          command_line::Read(app, TRIBUTARY_VERSION,
                             std::vector<std::string>(argv + 1, argv + argc),
                             std::cout, std::cerr)) {
    return *code;
  }
  if (files.train.empty() && files.test.empty()) {
    return Fail(absl::InvalidArgumentError("give --data, or --test, or both"),
                kUsage);
  }
  if (auto status = options.Validate(); !status.ok()) {
    return Fail(status, kUsage);
  }

  if (const auto error = command_line::ForbidCoreDumps()) {
    return Fail(absl::UnknownError("forbidding core dumps: " + error.message()),
                kFailure);
  }

  auto train = Read(files.train, files.train_labels, files.csv);
  if (!train.ok()) return Fail(train.status(), kFailure);
  auto test = Read(files.test, files.test_labels, files.csv);
  if (!test.ok()) return Fail(test.status(), kFailure);

  ProgressLog log(std::cerr);
  options.on_progress = [&log](const ClientProgress& progress) {
    log.Note(progress);
  };
  std::unique_ptr<Trainer> trainer =
      MakeTorchTrainer(*train, *test, MakeTorchNetworks(device));
  LoggedTrainer logged(*trainer, log);
  auto client = Client::Create(options, logged);
  if (!client.ok()) return Fail(client.status(), kFailure);
  StopOnSignal stop([&] { (*client)->Stop(); });
  const absl::Status status = (*client)->Run();
  if (!status.ok()) return Fail(status, kFailure);
  return StopOnSignal::Signal() == SIGINT ? kInterrupted : 0;
}

}  // namespace
}  // namespace tributary::program

int main(int argc, char** argv) { return tributary::program::Main(argc, argv); }
