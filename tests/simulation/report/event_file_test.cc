// SPDX-License-Identifier: Apache-2.0
// Event files against the formats' own descriptions: this decoder shares no
// code with the writer.
#include "simulation/report/event_file.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/report/crc32c.h"

#include "tests/catch.h"

namespace tributary::simulation {
namespace {

template <typename Number>
Number Take(std::string_view& bytes) {
  REQUIRE(bytes.size() >= sizeof(Number));
  Number number;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

std::string_view TakeBytes(std::string_view& bytes, std::uint64_t count) {
  REQUIRE(bytes.size() >= count);
  const std::string_view taken = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return taken;
}

// CRC-32C bit by bit, straight from its polynomial, and unmasked as readers do.
std::uint32_t SlowCrc(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
    }
  }
  return ~crc;
}
std::uint32_t Unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

std::vector<std::string_view> TakeRecords(std::string_view file) {
  std::vector<std::string_view> records;
  while (!file.empty()) {
    const std::string_view length_bytes = file.substr(0, 8);
    const auto length = Take<std::uint64_t>(file);
    CHECK(Unmask(Take<std::uint32_t>(file)) == SlowCrc(length_bytes));
    records.push_back(TakeBytes(file, length));
    CHECK(Unmask(Take<std::uint32_t>(file)) == SlowCrc(records.back()));
  }
  return records;
}

// The protobuf wire format: every field, by number.
struct Field {
  std::uint64_t number = 0;  // varint or fixed bits
  std::string_view bytes;
};
std::uint64_t TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = Take<std::uint8_t>(bytes);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
}
std::multimap<int, Field> Fields(std::string_view message) {
  std::multimap<int, Field> fields;
  while (!message.empty()) {
    const std::uint64_t key = TakeVarint(message);
    Field field;
    switch (key & 7) {
      case 0:
        field.number = TakeVarint(message);
        break;
      case 1:
        field.number = Take<std::uint64_t>(message);
        break;
      case 2:
        field.bytes = TakeBytes(message, TakeVarint(message));
        break;
      case 5:
        field.number = Take<std::uint32_t>(message);
        break;
      default:
        FAIL("wire type " << (key & 7));
    }
    fields.emplace(static_cast<int>(key >> 3), field);
  }
  return fields;
}

template <typename Number, typename Bits>
Number As(Bits bits) {
  static_assert(sizeof(Number) == sizeof(Bits));
  Number number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

TEST_CASE("CRC-32C gives the values of RFC 3720, appendix B.4") {
  CHECK(Crc32c("") == 0);
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(Crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  // The check value of the catalogue of CRC algorithms.
  CHECK(Crc32c("123456789") == 0xe3069283u);
}

TEST_CASE("an event file begins with its version") {
  const std::string file = EventFileHeader();
  const auto records = TakeRecords(file);
  REQUIRE(records.size() == 1);
  const auto fields = Fields(records[0]);
  REQUIRE(fields.count(3) == 1);
  CHECK(fields.find(3)->second.bytes == "brain.Event:2");
}

TEST_CASE("a round's numbers are scalars at its step and virtual time") {
  const std::string file =
      EventFileHeader() +
      ScalarsRecord(
          300, 12.5,
          {{"round", 300}, {"train_loss", 0.25}, {"metrics.accuracy", 0.75}}) +
      ScalarsRecord(301, 15, {{"train_loss", 0.125}});
  const auto records = TakeRecords(file);
  REQUIRE(records.size() == 3);
  const auto event = Fields(records[1]);
  CHECK(As<double>(event.find(1)->second.number) == 12.5);
  CHECK(event.find(2)->second.number == 300);
  std::map<std::string, float> scalars;
  const auto summary = Fields(event.find(5)->second.bytes);
  for (const auto& [number, value] : summary) {
    CHECK(number == 1);
    const auto parts = Fields(value.bytes);
    scalars[std::string(parts.find(1)->second.bytes)] =
        As<float>(static_cast<std::uint32_t>(parts.find(2)->second.number));
  }
  CHECK(scalars == std::map<std::string, float>{{"evaluation/accuracy", 0.75f},
                                                {"round/train_loss", 0.25f}});
}

}  // namespace
}  // namespace tributary::simulation
