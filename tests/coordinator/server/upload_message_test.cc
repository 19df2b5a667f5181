// SPDX-License-Identifier: Apache-2.0
#include "coordinator/server/upload_message.h"

#include <rapidcheck.h>

#include "tests/catch.h"

using namespace tributary;
using namespace tributary::coordinator;

namespace {

// The text cut into pieces of these sizes, in turn; empty ones too.
std::vector<Bytes> Cut(const std::string& text,
                       const std::vector<unsigned char>& sizes) {
  std::vector<Bytes> slices;
  const Bytes all = std::as_bytes(std::span(text));
  std::size_t at = 0;
  for (const unsigned char size : sizes) {
    const std::size_t piece = std::min<std::size_t>(size % 7, all.size() - at);
    slices.push_back(all.subspan(at, piece));
    at += piece;
  }
  slices.push_back(all.subspan(at));
  return slices;
}

std::string Join(const std::vector<Bytes>& pieces) {
  std::string text;
  for (const Bytes piece : pieces) {
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return text;
}

}  // namespace

TEST_CASE("data is found however a message is cut") {
  CHECK(rc::check(
      [](const std::string& data, const std::vector<unsigned char>& sizes) {
        v1::UploadMessage message;
        message.set_data(data);
        const std::string wire = message.SerializeAsString();
        std::vector<Bytes> payload;
        const auto part = FindPayload(Cut(wire, sizes), payload);
        RC_ASSERT(part.ok());
        RC_ASSERT(*part == UploadPart::kData);
        RC_ASSERT(Join(payload) == data);
      }));
}

TEST_CASE("a header has a token of 16 bytes and nothing long") {
  v1::UploadMessage message;
  message.mutable_header()->set_task_token(std::string(16, 't'));
  message.mutable_header()->set_offset(1'000'000);
  std::vector<Bytes> payload;
  const std::string wire = message.SerializeAsString();
  const auto part = FindPayload(Cut(wire, {3, 0, 5}), payload);
  REQUIRE(part.ok());
  REQUIRE(*part == UploadPart::kHeader);
  const auto header = ReadUploadHeader(payload);
  REQUIRE(header.ok());
  CHECK(header->offset() == 1'000'000);
  CHECK(header->task_token() == std::string(16, 't'));

  const auto refused = [](const std::string& bytes) {
    const std::vector<Bytes> pieces{std::as_bytes(std::span(bytes))};
    return !ReadUploadHeader(pieces).ok();
  };
  CHECK(refused(""));
  CHECK(refused(std::string(65, '\0')));
  v1::UploadHeader wrong;
  wrong.set_task_token("short");
  CHECK(refused(wrong.SerializeAsString()));
}

TEST_CASE("one message is one field of at most 1 MiB") {
  std::vector<Bytes> payload;
  const auto take = [&](const std::string& wire) {
    return FindPayload(Cut(wire, {}), payload).ok();
  };
  v1::UploadMessage message;
  message.set_data(std::string(kMaxChunk, 'z'));
  CHECK(take(message.SerializeAsString()));
  message.set_data(std::string(kMaxChunk + 1, 'z'));
  CHECK(!take(message.SerializeAsString()));
  message.set_data("z");
  CHECK(take(message.SerializeAsString()));
  CHECK(!take(message.SerializeAsString() + message.SerializeAsString()));
  CHECK(!take(message.SerializeAsString() + "z"));
  CHECK(!take(""));
  CHECK(!take("\x1A\x01z"));
  CHECK(payload.empty());
}
