// SPDX-License-Identifier: Apache-2.0
// Any text: the reader returns a message within its limits or an error, and a
// message it accepted survives being written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "google/protobuf/util/message_differencer.h"
#include "proto/codec/yaml.h"

namespace {

template <typename Message>
void ReadTwice(std::string_view text) {
  Message first;
  if (!tributary::codec::ParseYaml(text, "f.yaml", first).ok()) return;
  Message second;
  if (!tributary::codec::ParseYaml(tributary::codec::ToYaml(first), "f.yaml",
                                   second)
           .ok()) {
    std::abort();
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(first, second)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ReadTwice<tributary::v1::Plan>(text);
  ReadTwice<tributary::v1::CoordinatorConfig>(text);
  return 0;
}
