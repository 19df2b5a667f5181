// SPDX-License-Identifier: Apache-2.0
// Whole runs under attack: what breaks the mean, and what a rule makes of it.
#include <atomic>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "simulation/commands/run.h"
#include "tests/client/data/folder.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

class AttackRuns {
 public:
  // The metrics of a run's last round.
  nlohmann::json LastMetrics(const std::string& name, const std::string& plan) {
    std::ofstream(folder.path() / (name + ".yaml")) << plan;
    const SimulateOptions options{
        .plan = {.file = folder.path() / (name + ".yaml")},
        .out = folder.path() / name,
        .progress = std::nullopt};
    const auto end = Simulate(options, interrupted, report);
    INFO(end.status());
    REQUIRE(end.ok());
    std::ifstream lines(options.out / "metrics.jsonl");
    nlohmann::json last;
    for (std::string line; std::getline(lines, line);) {
      last = nlohmann::json::parse(line);
    }
    return last.at("metrics");
  }

  std::string Read(const std::string& file) const {
    std::ifstream in(folder.path() / file, std::ios::binary);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const data::Folder folder;
  const std::atomic<bool> interrupted = false;
  std::ostringstream report;
};

// Ten clients with a random tenth of the digits each, three of them against it.
std::string Digits(const std::string& robust, const std::string& attack) {
  return "name: digits\npopulation: digits\nseed: 5\n"
         "model: {architecture: {linear: {inputs: 64, outputs: 10}}}\n"
         "round: {cohort_size: 10, over_selection: 1, min_updates: 10,"
         " selection_timeout: 100s, deadline: 60s}\n"
         "training: {epochs: 1, batch_size: 16, learning_rate: 0.1}\n"
         "update: {max_abs: 4, max_weight: 2000}\n"
         "evaluation: {every_rounds: 5}\nstop: {rounds: 5}\n"
         "robust: " +
         robust +
         "\nsimulation:\n  clients: 10\n"
         "  attack: {fraction: 0.3, " +
         attack +
         "}\n"
         "  train: {csv: {path: " TRIBUTARY_DIGITS
         "/train.csv.gz, scale: 0.0625}}\n"
         "  test: {csv: {path: " TRIBUTARY_DIGITS
         "/test.csv.gz, scale: 0.0625}}\n";
}

TEST_CASE_METHOD(AttackRuns,
                 "noise breaks the mean; median, Krum and clipping hold") {
  const auto accuracy = [this](const std::string& name,
                               const std::string& robust) {
    return LastMetrics(name, Digits(robust, "gaussian: {}"))
        .at("accuracy")
        .get<double>();
  };
  CHECK(accuracy("mean", "{mean: {}}") < 0.6);
  CHECK(accuracy("median", "{median: {}}") > 0.85);
  CHECK(accuracy("krum", "{krum: {}, adversaries: 3}") > 0.85);
  CHECK(accuracy("clipping", "{centered_clipping: {radius: 2}}") > 0.8);
}

TEST_CASE_METHOD(AttackRuns,
                 "the same seed gives the same attack, and the report tells of "
                 "it") {
  const std::string plan = Digits("{median: {}}", "gaussian: {}");
  LastMetrics("one", plan);
  LastMetrics("two", plan);
  CHECK((Read("one/model.safetensors") == Read("two/model.safetensors")));
  CHECK(Read("one/metrics.jsonl") == Read("two/metrics.jsonl"));
  CHECK(Read("one/report.html")
            .find("simulation.attack: 3 of the 10 clients are adversaries "
                  "(gaussian)") != std::string::npos);
  CHECK(Read("one/partition.txt")
            .find("attack: 3 adversaries more, from client-0007 on; the first "
                  "holds what client-0000 holds, and so on") !=
        std::string::npos);
}

TEST_CASE_METHOD(AttackRuns,
                 "flipped labels pull the mean, and less the rule") {
  const auto accuracy = [this](const std::string& name,
                               const std::string& attack) {
    return LastMetrics(name, Digits("{mean: {}}", attack))
        .at("accuracy")
        .get<double>();
  };
  const double flipped = accuracy("flipped", "label_flip: {}");
  // Free riders have nothing against the model: they dilute it.
  CHECK(accuracy("riders", "free_riders: {}") > flipped + 0.02);
}

// Images of 8 x 8 in three classes: which of three rows is bright.
void WriteBars(const data::Folder& folder, const std::string& name,
               std::size_t count) {
  std::string images = {0, 0, 8, 3};
  std::string labels = {0, 0, 8, 1};
  const auto add_length = [](std::string& file, std::size_t length) {
    file += {0, 0, static_cast<char>(length >> 8), static_cast<char>(length)};
  };
  add_length(images, count);
  add_length(images, 8);
  add_length(images, 8);
  add_length(labels, count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = i % 3;
    labels += static_cast<char>(label);
    for (std::size_t pixel = 0; pixel < 64; ++pixel) {
      const bool is_bright = pixel / 8 == 2 * label;
      // A pattern that differs from image to image, as noise would.
      const std::size_t noise = (i * 37 + pixel * 11 + i * pixel) % 60;
      images += static_cast<char>(is_bright ? 255 - noise : noise);
    }
  }
  std::ofstream(folder.path() / (name + "-images"), std::ios::binary) << images;
  std::ofstream(folder.path() / (name + "-labels"), std::ios::binary) << labels;
}

std::string Bars(const data::Folder& folder, const std::string& robust) {
  const auto source = [&](const std::string& name) {
    const std::string path = (folder.path() / name).string();
    return "{idx: {features: " + path + "-images, labels: " + path +
           "-labels, scale: 0.00392156862745098}}\n";
  };
  return "name: bars\npopulation: bars\nseed: 3\n"
         "model: {architecture: {linear: {inputs: 64, outputs: 3}}}\n"
         "round: {cohort_size: 10, over_selection: 1, min_updates: 10,"
         " selection_timeout: 100s, deadline: 60s}\n"
         "training: {epochs: 2, batch_size: 10, learning_rate: 0.1}\n"
         "update: {max_abs: 16, max_weight: 2000}\n"
         "evaluation: {every_rounds: 1}\nstop: {rounds: 4}\n"
         "robust: " +
         robust +
         "\nsimulation:\n  clients: 10\n"
         "  attack: {fraction: 0.1, backdoor: {target: 2, trigger: 2}}\n"
         "  train: " +
         source("train") + "  test: " + source("test");
}

// Bagdasaryan et al. 2020: one adversary who scales its update puts its own
// model in the mean's place; norm bounds are what Sun et al. 2019 put against
// it.
TEST_CASE_METHOD(AttackRuns,
                 "one adversary's backdoor replaces the mean, not the median") {
  WriteBars(folder, "train", 540);
  WriteBars(folder, "test", 90);
  const auto mean = LastMetrics("mean", Bars(folder, "{mean: {}}"));
  CHECK(mean.at("accuracy").get<double>() > 0.9);
  CHECK(mean.at("backdoor_accuracy").get<double>() > 0.9);
  const auto median = LastMetrics("median", Bars(folder, "{median: {}}"));
  CHECK(median.at("accuracy").get<double>() > 0.9);
  CHECK(median.at("backdoor_accuracy").get<double>() < 0.3);
}

}  // namespace
}  // namespace tributary::simulation
