// SPDX-License-Identifier: Apache-2.0
// Messages from the wire against their limits.
#include <cmath>
#include <string>

#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

TEST_CASE("an ordinary message is within its limits") {
  v1::ClientMessage message;
  message.mutable_hello()->set_population("gateways");
  message.mutable_hello()->set_role(v1::EVALUATOR);
  CHECK(CheckLimits(message).ok());
  CHECK(CheckLimits(v1::ClientMessage()).ok());
}

TEST_CASE("each violated limit is named by its path") {
  v1::ClientMessage message;
  message.mutable_hello()->set_population(std::string(200, 'p'));
  message.mutable_hello()->set_software(std::string(129, 's'));
  message.mutable_hello()->set_role(static_cast<v1::Role>(77));
  const auto status = CheckLimits(message);
  CHECK(Says(status, "hello.population: has 200 bytes, more than 128"));
  CHECK(Says(status, "hello.software: has 129 bytes, more than 128"));
  CHECK(Says(status, "hello.role: 77 is not a value of Role"));
}

TEST_CASE("tokens, chunks and metric lists have a longest length") {
  v1::ClientMessage failed;
  failed.mutable_task_failed()->set_task_token(std::string(17, 't'));
  CHECK_FALSE(CheckLimits(failed).ok());

  v1::UploadMessage upload;
  upload.set_data(std::string(1 << 20, 'd'));
  CHECK(CheckLimits(upload).ok());
  upload.mutable_data()->push_back('d');
  CHECK_FALSE(CheckLimits(upload).ok());

  v1::ClientMessage evaluation;
  for (int i = 0; i < 33; ++i) {
    (*evaluation.mutable_evaluation()
          ->mutable_metrics())["m" + std::to_string(i)] = i;
  }
  CHECK(Says(CheckLimits(evaluation),
             "evaluation.metrics: has 33 elements, more than 32"));
}

TEST_CASE("a task's plans are checked as deeply as a plan's") {
  v1::ServerMessage message;
  auto& task = *message.mutable_task();
  task.mutable_training()->set_batch_size(1);
  task.mutable_training()->set_learning_rate(std::nan(""));
  CHECK(Says(CheckLimits(message),
             "task.training.learning_rate: nan is not greater than 0"));
  task.mutable_training()->set_learning_rate(0.1);
  task.mutable_time_left()->set_nanos(2'000'000'000);
  CHECK(Says(CheckLimits(message), "task.time_left: is not a valid duration"));
}

TEST_CASE("an error stays short however much is wrong") {
  v1::Manifest manifest;
  for (int i = 0; i < 1'000; ++i) {
    manifest.add_tensors()->set_name(std::string(300, 'n'));
  }
  const auto lines = Lines(CheckLimits(manifest));
  CHECK(lines.size() == 101);
  CHECK(lines.back() == "and 900 more");
}

}  // namespace
}  // namespace tributary::codec
