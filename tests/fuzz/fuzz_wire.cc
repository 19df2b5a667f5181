// SPDX-License-Identifier: Apache-2.0
// Any bytes as each message that comes from a peer: parsed and checked against
// its limits, with a short error. Input: which message, then its bytes.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "google/protobuf/message.h"
#include "proto/codec/yaml.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/federation.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace tributary;
  if (size == 0) return 0;
  const std::array<const google::protobuf::Message*, 8> kinds = {
      &v1::ClientMessage::default_instance(),
      &v1::ServerMessage::default_instance(),
      &v1::UploadMessage::default_instance(),
      &v1::FetchModelRequest::default_instance(),
      &v1::ModelChunk::default_instance(),
      &v1::SubmitRunMessage::default_instance(),
      &v1::Plan::default_instance(),
      &v1::RunDetail::default_instance()};
  const std::unique_ptr<google::protobuf::Message> message(
      kinds[data[0] % kinds.size()]->New());
  if (!message->ParseFromArray(data + 1, static_cast<int>(size - 1))) return 0;
  const auto status = codec::CheckLimits(*message);
  // At most 100 problems of bounded length are written out.
  if (status.message().size() > 100'000) std::abort();
  if (!status.ok() && status.message().empty()) std::abort();
  return 0;
}
