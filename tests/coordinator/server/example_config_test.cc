// SPDX-License-Identifier: Apache-2.0
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
    if (field->name() == "insecure") continue;
    INFO(std::string(field->name()));
    CHECK(config->GetReflection()->HasField(*config, field));
  }
}
