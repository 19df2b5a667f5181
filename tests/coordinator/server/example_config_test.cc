// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "coordinator/server/server_options.h"
#include "proto/codec/yaml.h"

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::coordinator;

TEST_CASE("the shipped configuration is valid and states the defaults") {
  const auto config = codec::ReadCoordinatorConfig(
      TRIBUTARY_SOURCE "/deploy/examples/coordinator.yaml");
  INFO(config.status().ToString());
  REQUIRE(config.ok());
  const auto options = ToServerOptions(*config, "/etc/tributary");
  INFO(options.status().ToString());
  REQUIRE(options.ok());
  const ServerOptions defaults;
  CHECK(options->listen == defaults.listen);
  CHECK(options->admin_listen == defaults.admin_listen);
  CHECK(options->http_listen == defaults.http_listen);
  CHECK(options->buffer_bytes == defaults.buffer_bytes);
  CHECK(options->tls->key == "/etc/tributary/pki/coordinator.key");
  // Every key of the schema stands in the example, so that it is also its
  // reference.
  const auto* fields = config->GetDescriptor();
  for (int i = 0; i < fields->field_count(); ++i) {
    const auto* field = fields->field(i);
    // A root has no parent.
    if (field->name() == "insecure" || field->name() == "parent") continue;
    INFO(std::string(field->name()));
    CHECK(config->GetReflection()->HasField(*config, field));
  }
}

TEST_CASE("every plan of the examples is valid, its data where they are") {
  int plans = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           TRIBUTARY_SOURCE "/deploy/examples")) {
    const std::filesystem::path& file = entry.path();
    if (file.extension() != ".yaml" || file.stem() == "coordinator" ||
        file.stem() == "local") {
      continue;
    }
    const auto plan = codec::ReadPlan(file);
    INFO(plan.status().ToString());
    REQUIRE(plan.ok());
    CHECK(std::filesystem::exists(plan->simulation().train().csv().path()));
    ++plans;
  }
  CHECK(plans >= 2);
}
