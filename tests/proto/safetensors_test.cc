// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/safetensors.h"

#include <rapidcheck.h>

#include <cstring>
#include <string>

#include "tests/proto/files.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

// A file's bytes: the length, the header as it is given, `data` zero bytes.
std::string FileOf(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\0');
}

absl::StatusOr<SafetensorsHeader> Parse(const std::string& bytes) {
  return ParseSafetensorsHeader(std::as_bytes(std::span(bytes)), bytes.size());
}

bool Refuses(const std::string& header, std::size_t data,
             const std::string& reason) {
  const auto parsed = Parse(FileOf(header, data));
  INFO(header << "\n" << parsed.status());
  const bool refused =
      std::string(parsed.status().message()).find(reason) != std::string::npos;
  CHECK(refused);
  return refused;
}

std::string Tensor(const std::string& name, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

// What the Python package (0.4) writes for
// save_file({"fc.weight": ones(2, 3), "fc.bias": zeros(2)}): keys sorted by
// name, padded with spaces to a multiple of eight.
const std::string kFromPython =
    R"({"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
    R"("fc.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]}}  )";

TEST_CASE("auxiliary tensors keep their kind") {
  const Manifest manifest({{"w", {2}, true},
                           {"mean", {1}, false},
                           {"scaffold.control", {2}, false, true}});
  const std::string header = FormatSafetensorsHeader(manifest, {});
  const auto parsed = Parse(header + std::string(5 * sizeof(float), '\0'));
  INFO(parsed.status());
  REQUIRE(parsed.ok());
  CHECK(parsed->manifest == manifest);
  CHECK(parsed->metadata.at("tributary.auxiliary") ==
        R"(["scaffold.control"])");
  CHECK(parsed->metadata.at("tributary.buffers") == R"(["mean"])");
  Refuses(R"({"__metadata__":{"tributary.auxiliary":"[\"c\"]"},)" +
              Tensor("w", "[1]", "[0,4]") + "}",
          4, "metadata tributary.auxiliary names \"c\", which is no tensor");
}

TEST_CASE("a file of the Python package is read") {
  const auto header = Parse(FileOf(kFromPython, 32));
  INFO(header.status());
  REQUIRE(header.ok());
  CHECK(header->manifest ==
        Manifest({{"fc.bias", {2}, true}, {"fc.weight", {2, 3}, true}}));
  CHECK(header->data_offset == 8 + kFromPython.size());
  CHECK(header->data_size == 32);
  CHECK(header->metadata.empty());
}

TEST_CASE("tensors are in the order of their data, whatever the header's") {
  const auto header = Parse(FileOf("{" + Tensor("b", "[1]", "[4,8]") + "," +
                                       Tensor("a", "[]", "[0,4]") + "}",
                                   8));
  REQUIRE(header.ok());
  CHECK(header->manifest == Manifest({{"a", {}, true}, {"b", {1}, true}}));
}

TEST_CASE("buffers are those the metadata names") {
  const std::string tensors =
      Tensor("w", "[1]", "[0,4]") + "," + Tensor("mean", "[1]", "[4,8]");
  const auto with = [&](const std::string& buffers) {
    return "{\"__metadata__\":{\"tributary.buffers\":\"" + buffers + "\"}," +
           tensors + "}";
  };
  const auto header = Parse(FileOf(with("[\\\"mean\\\"]"), 8));
  REQUIRE(header.ok());
  CHECK_FALSE(header->manifest.tensors()[1].trainable);
  CHECK(header->manifest.TrainableLength() == 1);
  Refuses(with("[\\\"nobody\\\"]"), 8, "is no tensor");
  Refuses(with("[\\\"mean\\\",\\\"mean\\\"]"), 8, "distinct names");
  Refuses(with("{}"), 8, "distinct names");
  Refuses(with("[[[[1]]]]"), 8, "distinct names");
  Refuses(with("nonsense"), 8, "distinct names");
  // A parameter may not follow a buffer.
  CHECK_FALSE(Parse(FileOf(with("[\\\"w\\\"]"), 8)).ok());
}

TEST_CASE("overlaps, gaps and bytes nobody owns are refused") {
  Refuses("{" + Tensor("a", "[2]", "[0,8]") + "," +
              Tensor("b", "[2]", "[4,12]") + "}",
          12, "within the tensor that ends at 8");
  Refuses("{" + Tensor("a", "[1]", "[0,4]") + "," +
              Tensor("b", "[1]", "[8,12]") + "}",
          12, "after a gap from 4");
  Refuses("{" + Tensor("a", "[1]", "[0,4]") + "}", 8,
          "end at byte 4 of 8 bytes");
  Refuses("{" + Tensor("a", "[2]", "[0,8]") + "}", 4, "do not lie in the 4");
  Refuses("{" + Tensor("a", "[1]", "[4,0]") + "}", 4, "do not lie in the 4");
}

TEST_CASE("shapes that do not fit their bytes or overflow are refused") {
  Refuses("{" + Tensor("a", "[3]", "[0,8]") + "}", 8, "needs 12 bytes");
  Refuses("{" + Tensor("a", "[4294967296,4294967296]", "[0,0]") + "}", 0,
          "too large");
  Refuses("{" + Tensor("a", "[18446744073709551615]", "[0,8]") + "}", 8,
          "too large");
  Refuses("{" + Tensor("a", "[99999999999999999999]", "[0,8]") + "}", 8,
          "not whole");
  Refuses("{" + Tensor("a", "[-1]", "[0,8]") + "}", 8, "negative");
  Refuses("{" + Tensor("a", "[1.0]", "[0,4]") + "}", 4, "not whole");
  Refuses("{" + Tensor("a", "[1,1,1,1,1,1,1,1,1]", "[0,4]") + "}", 4,
          "more than 8");
}

TEST_CASE("any dtype but F32 is refused and named") {
  Refuses(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4,
          "has dtype \"F16\"; only F32");
}

TEST_CASE("what is given twice is refused") {
  Refuses("{" + Tensor("a", "[1]", "[0,4]") + "," +
              Tensor("a", "[1]", "[4,8]") + "}",
          8, "given twice");
  Refuses(R"({"__metadata__":{"k":"1","k":"2"}})", 0, "given twice");
  Refuses(R"({"a":{"dtype":"F32","dtype":"F32"}})", 0, "twice");
}

TEST_CASE("a header of another shape is refused") {
  Refuses("[]", 0, "no '{'");
  Refuses(" {}", 0, "no '{'");
  Refuses("{\"a\":1}", 0, "a number where none belongs");
  Refuses("{\"a\":{}}", 0, "has no dtype");
  Refuses("{\"a\":{\"dtype\":null}}", 0, "null");
  Refuses("{\"a\":{\"extra\":1}}", 0, "unknown key \"extra\"");
  Refuses("{\"a\":{\"shape\":[[1]]}}", 0, "a list where none belongs");
  Refuses("{\"__metadata__\":{\"k\":1}}", 0, "a number where none belongs");
  Refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 0,
          "not a pair");
  Refuses("{", 0, "no JSON");
  Refuses("{} x", 0, "no JSON");
  Refuses("{\"\xff\":{}}", 0, "no JSON");
}

TEST_CASE("a header longer than 16 MiB or than the file is refused") {
  std::string bytes(8, '\0');
  const std::uint64_t length = kMaxHeaderBytes + 1;
  std::memcpy(bytes.data(), &length, 8);
  CHECK(std::string(Parse(bytes + "{}").status().message())
            .find("at most 16777216") != std::string::npos);
  CHECK_FALSE(Parse(FileOf("{}", 0).substr(0, 9)).ok());
  CHECK_FALSE(Parse("short").ok());
  CHECK_FALSE(Parse("").ok());
  CHECK_FALSE(Parse(std::string(8, '\xff')).ok());
}

TEST_CASE("a header is padded and the same length for the same manifest") {
  const Manifest manifest({{"w", {2}, true}, {"mean", {1}, false}});
  const std::string head =
      FormatSafetensorsHeader(manifest, {{"tributary.architecture", "{}"}});
  CHECK(head.size() % 8 == 0);
  const auto parsed =
      ParseSafetensorsHeader(std::as_bytes(std::span(head)), head.size() + 12);
  REQUIRE(parsed.ok());
  CHECK(parsed->manifest == manifest);
  CHECK(parsed->metadata.at("tributary.architecture") == "{}");
  CHECK(parsed->metadata.at("tributary.buffers") == "[\"mean\"]");
  // Reading and writing again changes nothing.
  CHECK(FormatSafetensorsHeader(parsed->manifest, parsed->metadata) == head);
}

TEST_CASE("a written file is read back, and its data is the flat vector") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "m.safetensors";
  const Manifest manifest({{"w\"\\\n", {2, 2}, true}, {"empty", {0}, true}});
  REQUIRE(WriteSafetensors(file, manifest, {{"k", "v"}},
                           std::vector<float>{1, -2, 0.5f, 4})
              .ok());
  const auto read = ReadSafetensors(file);
  INFO(read.status());
  REQUIRE(read.ok());
  CHECK(read->weights == std::vector<float>{1, -2, 0.5f, 4});
  CHECK(read->header.manifest == manifest);
  CHECK(read->header.metadata.at("k") == "v");
  // Nothing is left beside it.
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()),
                      std::filesystem::directory_iterator()) == 1);
  CHECK_FALSE(WriteSafetensors(file, manifest, {}, std::vector<float>{1}).ok());
  CHECK_FALSE(WriteSafetensors(folder.path() / "no/m", manifest, {},
                               std::vector<float>{1, 2, 3, 4})
                  .ok());
}

TEST_CASE("a file that is missing, cut or no file is refused by name") {
  const TemporaryFolder folder;
  CHECK(ReadSafetensors(folder.path() / "no").status().code() ==
        absl::StatusCode::kNotFound);
  CHECK_FALSE(ReadSafetensors(folder.path()).ok());
  const std::string whole = FileOf(kFromPython, 32);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto file = folder.Write("cut", whole.substr(0, size));
    CHECK_FALSE(ReadSafetensors(file).ok());
  }
}

TEST_CASE("any manifest survives its header") {
  CHECK(rc::check([] {
    const auto count = *rc::gen::inRange<std::size_t>(0, 12);
    const auto trainable = *rc::gen::inRange<std::size_t>(0, count + 1);
    std::vector<TensorSpec> tensors;
    for (std::size_t i = 0; i < count; ++i) {
      TensorSpec spec;
      spec.name = "t" + std::to_string(*rc::gen::inRange(0, 5)) + "." +
                  std::to_string(i);
      spec.shape = *rc::gen::container<std::vector<std::int64_t>>(
          *rc::gen::inRange<std::size_t>(0, 4),
          rc::gen::inRange<std::int64_t>(0, 6));
      spec.trainable = i < trainable;
      tensors.push_back(spec);
    }
    const Manifest manifest(tensors);
    const std::string head = FormatSafetensorsHeader(manifest, {});
    const auto parsed = ParseSafetensorsHeader(
        std::as_bytes(std::span(head)), head.size() + 4 * manifest.Length());
    RC_LOG() << head << parsed.status();
    RC_ASSERT(parsed.ok());
    RC_ASSERT(parsed->manifest == manifest);
  }));
}

}  // namespace
}  // namespace tributary::codec
