// SPDX-License-Identifier: Apache-2.0
#include "coordinator/runner/first_model.h"

#include <cstring>
#include <string>
#include <vector>

#include "proto/codec/safetensors.h"
#include "tests/coordinator/store/temp_folder.h"

#include "tests/catch.h"

namespace tributary::coordinator {
namespace {

const Manifest kModel({{"w", {2}, true}, {"mean", {1}, false}});
const Manifest kWithControl({{"w", {2}, true},
                             {"mean", {1}, false},
                             {"scaffold.control", {2}, false, true}});

struct FirstModelFixture {
  testing::TempFolder folder;
  store::Blobs blobs = store::Blobs::Open(folder.path()).value();
  v1::Plan plain;
  v1::Plan scaffold;

  FirstModelFixture() { scaffold.mutable_strategy()->mutable_scaffold(); }

  std::string FileOf(const Manifest& manifest,
                     const std::vector<float>& values) {
    return codec::FormatSafetensorsHeader(manifest, {{"made", "by hand"}}) +
           std::string(reinterpret_cast<const char*>(values.data()),
                       values.size() * sizeof(float));
  }
  Digest Put(const std::string& bytes) {
    bool is_given = false;
    return blobs
        .Put([&]() -> absl::StatusOr<std::string> {
          return std::exchange(is_given, true) ? std::string() : bytes;
        })
        .value();
  }
  std::string Bytes(const Digest& digest) {
    const store::File file = blobs.Get(digest).value();
    std::string bytes(file.Size().value(), ' ');
    REQUIRE(file.ReadFully(0, std::as_writable_bytes(std::span(bytes))).ok());
    return bytes;
  }
};

TEST_CASE_METHOD(FirstModelFixture,
                 "without a strategy a run starts from what "
                 "was submitted") {
  const Digest given = Put(FileOf(kModel, {1, 2, 3}));
  CHECK(MakeFirstModel(blobs, given, plain).value() == given);
}

TEST_CASE_METHOD(FirstModelFixture,
                 "the strategy's tensor stands at zero behind the weights") {
  const Digest given = Put(FileOf(kModel, {1, 2, 3}));
  const auto first = MakeFirstModel(blobs, given, scaffold);
  REQUIRE(first.ok());
  CHECK(Bytes(*first) == FileOf(kWithControl, {1, 2, 3, 0, 0}));
}

TEST_CASE_METHOD(FirstModelFixture,
                 "what an earlier run's strategy left does not count") {
  const Digest given = Put(FileOf(kWithControl, {1, 2, 3, 4, 5}));
  CHECK(Bytes(MakeFirstModel(blobs, given, scaffold).value()) ==
        FileOf(kWithControl, {1, 2, 3, 0, 0}));
  CHECK(Bytes(MakeFirstModel(blobs, given, plain).value()) ==
        FileOf(kModel, {1, 2, 3}));
}

TEST_CASE_METHOD(FirstModelFixture,
                 "a model of several blocks is copied whole") {
  const std::size_t length = 700'000;
  const Manifest large({{"w", {static_cast<std::int64_t>(length)}, true}});
  std::vector<float> values(length);
  for (std::size_t i = 0; i < length; ++i) values[i] = static_cast<float>(i);
  const Digest given = Put(FileOf(large, values));
  const std::string made =
      Bytes(MakeFirstModel(blobs, given, scaffold).value());
  const std::string data = made.substr(made.size() - 2 * length * 4);
  CHECK(std::memcmp(data.data(), values.data(), length * 4) == 0);
  CHECK(data.substr(length * 4) == std::string(length * 4, '\0'));
}

TEST_CASE_METHOD(FirstModelFixture, "what is no model is refused") {
  CHECK(absl::IsInvalidArgument(
      MakeFirstModel(blobs, Put("river"), scaffold).status()));
}

}  // namespace
}  // namespace tributary::coordinator
