// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "tests/client/data/folder.h"
#include "tributary/dataset.h"

#include "tests/catch.h"

namespace tributary {
namespace {

using data::BigEndianFloats;
using data::Folder;
using data::Idx;
using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;

constexpr std::uint8_t kU8 = 0x08;
constexpr std::uint8_t kI32 = 0x0c;
constexpr std::uint8_t kF32 = 0x0d;

const std::string kTwoLabels = Idx(kU8, {2}, std::string("\x03\x01", 2));

// What is said about these features, or about these labels.
std::string ErrorOf(const std::string& features,
                    const std::string& labels = kTwoLabels) {
  const Folder folder;
  const auto dataset = ReadIdx(folder.Write("features", features),
                               folder.Write("labels", labels), 1);
  if (dataset.ok()) return "";
  const std::string message(dataset.status().message());
  const std::string path = folder.path().string() + "/";
  REQUIRE(message.find(path) == 0);
  return message.substr(path.size());
}

TEST_CASE("images of bytes are scaled and get a channel") {
  const Folder folder;
  const auto features = folder.Write(
      "images",
      Idx(kU8, {2, 2, 3}, std::string("\0\1\2\3\4\5\6\7\x8\x9\xa\xff", 12)));
  const auto labels = folder.WriteGzip("labels.gz", kTwoLabels);
  const auto dataset = ReadIdx(features, labels, 0.5);
  REQUIRE(dataset.ok());
  CHECK(dataset->example_shape == Shape{1, 2, 3});
  CHECK(dataset->features ==
        Floats{0, 0.5f, 1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4.5f, 5, 127.5f});
  CHECK(dataset->targets == Floats{3, 1});
}

TEST_CASE("floats are taken as they are, with the dimensions they have") {
  const Folder folder;
  const auto features = folder.WriteGzip(
      "windows.gz", Idx(kF32, {2, 2}, BigEndianFloats({1.5f, -2, 3, 4})));
  const auto labels =
      folder.Write("labels", Idx(kF32, {2}, BigEndianFloats({0.25f, -1})));
  const auto dataset = ReadIdx(features, labels, 0.5);
  REQUIRE(dataset.ok());
  CHECK(dataset->example_shape == Shape{2});
  CHECK(dataset->features == Floats{1.5f, -2, 3, 4});
  CHECK(dataset->targets == Floats{0.25f, -1});
  const auto scalars = folder.Write("scalars", Idx(kU8, {2}, "ab"));
  CHECK(ReadIdx(scalars, labels, 1).value().example_shape == Shape{1});
  const auto colours =
      folder.Write("colours", Idx(kU8, {2, 3, 1, 1}, "abcdef"));
  CHECK(ReadIdx(colours, labels, 1).value().example_shape == Shape{3, 1, 1});
  const auto integers = folder.Write(
      "integers",
      Idx(kI32, {2}, data::BigEndian(70'000) + data::BigEndian(~0u)));
  CHECK(ReadIdx(colours, integers, 1).value().targets == Floats{70'000, -1});
}

TEST_CASE("a header that is no IDX header is refused") {
  const std::string expected =
      "features: expected IDX of u8, i32 or f32 with 1 to 4 dimensions (00 00 "
      "08|0c|0d 01..04); it begins with ";
  CHECK(ErrorOf("1,2,3\n") == expected + "312c322c");
  CHECK(ErrorOf(Idx(0x09, {2}, "ab")) == expected + "00000901");
  CHECK(ErrorOf(Idx(kU8, {}, "ab")) == expected + "00000800");
  CHECK(ErrorOf(Idx(kU8, {1, 1, 1, 1, 1}, "a")) == expected + "00000805");
  CHECK(ErrorOf("") ==
        "features: expected an IDX header, found the end of the file");
  CHECK(ErrorOf(Idx(kU8, {2, 2}, "").substr(0, 10)) ==
        "features: expected an IDX header, found the end of the file");
}

TEST_CASE("absurd dimensions are refused and take no memory") {
  CHECK(ErrorOf(Idx(kU8, {0xffffffff, 0xffffffff, 0xffffffff}, "")) ==
        "features: expected between 1 and 17179869184 values; the header says "
        "4294967295 x 4294967295 x 4294967295");
  CHECK(ErrorOf(Idx(kU8, {2, 0}, "")) ==
        "features: expected between 1 and 17179869184 values; the header says "
        "2 x 0");
  // 16 GiB of floats are announced and three bytes are there.
  CHECK(ErrorOf(Idx(kU8, {2, 1u << 31}, "abc")) ==
        "features: expected 4294967296 bytes for 2 x 2147483648 values, found "
        "3");
}

TEST_CASE("a count that does not match the bytes is refused") {
  CHECK(ErrorOf(Idx(kU8, {2, 3}, "abcde")) ==
        "features: expected 6 bytes for 2 x 3 values, found 5");
  CHECK(ErrorOf(Idx(kU8, {2, 3}, "abcdefg")) ==
        "features: expected 6 bytes for 2 x 3 values, found more");
  CHECK(ErrorOf(Idx(kF32, {2}, "abcdefg")) ==
        "features: expected 8 bytes for 2 values, found 7");
  CHECK(ErrorOf(Idx(kU8, {2, 3}, "abcdef")).empty());
}

TEST_CASE("labels that do not fit the features are refused") {
  const std::string features = Idx(kU8, {2, 3}, "abcdef");
  CHECK(ErrorOf(features, Idx(kU8, {3}, "abc"))
            .find("labels: expected 2 labels, one for each example of ") == 0);
  CHECK(ErrorOf(features, Idx(kU8, {2, 1}, "ab")) ==
        "labels: expected labels in one dimension, found 2 x 1");
  CHECK(ErrorOf(Idx(kI32, {2}, "abcdefgh")) ==
        "features: expected features of u8 or f32, found i32");
}

TEST_CASE("NaN and infinities are refused by their position") {
  CHECK(ErrorOf(Idx(kF32, {2, 1}, BigEndianFloats({1, std::nanf("")}))) ==
        "features: value 1: expected a finite number");
  CHECK(ErrorOf(Idx(kF32, {2, 1}, BigEndianFloats({HUGE_VALF, 1}))) ==
        "features: value 0: expected a finite number");
}

}  // namespace
}  // namespace tributary
