// SPDX-License-Identifier: Apache-2.0
// docs/wire.md names every call, every field of the client-facing wire, every
// encoding and every refusal: whoever adds one writes it down there.
#include <string>

#include "google/protobuf/descriptor.h"
#include "tests/proto/files.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary {
namespace {

const std::string& Page() {
  static const auto& page =
      *new std::string(BytesOf(TRIBUTARY_SOURCE_DIR "/docs/wire.md"));
  return page;
}

bool Mentions(const std::string& name) {
  INFO(name);
  const bool found = Page().find("`" + name + "`") != std::string::npos ||
                     Page().find("**" + name + "**") != std::string::npos;
  CHECK(found);
  return found;
}

TEST_CASE("the page names every call of both services") {
  for (const auto* file : {v1::ClientMessage::descriptor()->file(),
                           v1::RunSummary::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      Mentions(std::string(file->service(i)->name()));
      for (int k = 0; k < file->service(i)->method_count(); ++k) {
        Mentions(std::string(file->service(i)->method(k)->name()));
      }
    }
  }
}

TEST_CASE("the page names every field that client and coordinator exchange") {
  const auto* file = v1::ClientMessage::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    const auto* message = file->message_type(i);
    const std::string name(message->name());
    // The choices of these are the messages themselves.
    if (name == "ClientMessage" || name == "ServerMessage") continue;
    for (int k = 0; k < message->field_count(); ++k) {
      Mentions(std::string(message->field(k)->name()));
    }
  }
}

TEST_CASE("the page names every refusal, role and encoding") {
  for (int i = 1; i < v1::Refusal_descriptor()->value_count(); ++i) {
    Mentions(std::string(v1::Refusal_descriptor()->value(i)->name()));
  }
  for (int i = 1; i < v1::Role_descriptor()->value_count(); ++i) {
    Mentions(std::string(v1::Role_descriptor()->value(i)->name()));
  }
  const auto* encodings = v1::UpdatePlan::Encoding_descriptor();
  for (int i = 1; i < encodings->value_count(); ++i) {
    Mentions(std::string(encodings->value(i)->name()));
  }
}

}  // namespace
}  // namespace tributary
