// SPDX-License-Identifier: Apache-2.0
// Any message within its limits survives ToYaml and ParseYaml.
#include <rapidcheck.h>

#include <algorithm>
#include <string>

#include "google/protobuf/util/message_differencer.h"
#include "proto/codec/limits.h"
#include "proto/codec/yaml.h"
#include "tests/proto/plans.h"
#include "tributary/v1/admin.pb.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::MessageDifferencer;

double AnyNumber(const v1::Limits& limits) {
  const double high = limits.has_max() ? limits.max() : 1e6;
  // Unsigned fields take the magnitude.
  const double low = limits.has_min() ? limits.min() : -high;
  const double part =
      *rc::gen::inRange<std::int64_t>(1, 1'000'000'000) / 1'000'000'000.0;
  return low + (high - low) * part;
}

std::string AnyText(std::size_t longest) {
  // Everything that means something to YAML, and letters of two bytes.
  static const std::vector<std::string> kPieces = {"a",
                                                   "Z",
                                                   "0",
                                                   " ",
                                                   ":",
                                                   "#",
                                                   "'",
                                                   "\"",
                                                   "\\",
                                                   "\n",
                                                   "\t",
                                                   "-",
                                                   "?",
                                                   "{",
                                                   "]",
                                                   ",",
                                                   "&",
                                                   "*",
                                                   "!",
                                                   "|",
                                                   ">",
                                                   "%",
                                                   "@",
                                                   "`",
                                                   "\x01",
                                                   "\x04",
                                                   "ü",
                                                   "日",
                                                   "null",
                                                   "~",
                                                   "\r",
                                                   "=",
                                                   ".",
                                                   "\x7f",
                                                   "\xef\xbb\xbf",
                                                   "\xc2\x85",
                                                   "\xe2\x80\xa8",
                                                   "true"};
  std::string text;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(
           rc::gen::elementOf(kPieces))) {
    if (text.size() + piece.size() <= longest) text += piece;
  }
  return text.empty() ? "x" : text;
}

void FillAny(Message& message);

void FillField(Message& message, const FieldDescriptor& field) {
  const Reflection& to = *message.GetReflection();
  const v1::Limits& limits = LimitsOf(field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return to.SetInt32(&message, &field,
                         static_cast<std::int32_t>(AnyNumber(limits)));
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto value = static_cast<std::int64_t>(AnyNumber(limits));
      return field.is_repeated() ? to.AddInt64(&message, &field, value)
                                 : to.SetInt64(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = static_cast<std::uint32_t>(std::abs(AnyNumber(limits)));
      return field.is_repeated() ? to.AddUInt32(&message, &field, value)
                                 : to.SetUInt32(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return to.SetUInt64(&message, &field,
                          *rc::gen::arbitrary<std::uint64_t>());
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = AnyNumber(limits);
      return field.is_repeated() ? to.AddDouble(&message, &field, value)
                                 : to.SetDouble(&message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return to.SetBool(&message, &field, *rc::gen::arbitrary<bool>());
    case FieldDescriptor::CPPTYPE_ENUM:
      return to.SetEnumValue(
          &message, &field,
          *rc::gen::inRange(1, field.enum_type()->value_count()));
    case FieldDescriptor::CPPTYPE_STRING: {
      // The limit of a repeated field is the number of its values.
      const bool is_limited = limits.has_max_size() && !field.is_repeated();
      const std::string value =
          AnyText(is_limited ? std::min(limits.max_size(), 64u) : 64);
      return field.is_repeated() ? to.AddString(&message, &field, value)
                                 : to.SetString(&message, &field, value);
    }
    default:
      break;
  }
  if (IsDuration(field)) {
    google::protobuf::Duration duration;
    duration.set_seconds(static_cast<std::int64_t>(AnyNumber(limits)) + 1);
    if (*rc::gen::arbitrary<bool>() && duration.seconds() + 1 < limits.max()) {
      duration.set_nanos(*rc::gen::inRange(0, 999'999'999));
    }
    if (duration.seconds() > limits.max()) duration.set_seconds(1);
    to.MutableMessage(&message, &field)->CopyFrom(duration);
    return;
  }
  FillAny(*(field.is_repeated() ? to.AddMessage(&message, &field)
                                : to.MutableMessage(&message, &field)));
}

void FillAny(Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (const auto* oneof = field.real_containing_oneof()) {
      // One of the choices, chosen when its first field comes by.
      if (oneof->field(0) != &field) continue;
      const int choice = *rc::gen::inRange(0, oneof->field_count());
      FillField(message, *oneof->field(choice));
      continue;
    }
    if (!LimitsOf(field).required() && *rc::gen::arbitrary<bool>()) continue;
    const int fewest = LimitsOf(field).required() ? 1 : 0;
    const int count = field.is_repeated() ? *rc::gen::inRange(fewest, 4) : 1;
    for (int k = 0; k < count && !field.is_map(); ++k) {
      FillField(message, field);
    }
    // An implicit zero is no value at all; one that has to be there is one.
    if (LimitsOf(field).required() && !field.is_repeated() &&
        !reflection.HasField(message, &field)) {
      FillField(message, field);
    }
  }
}

template <typename T>
bool RoundTrips() {
  return rc::check([] {
    T message;
    FillAny(message);
    T read;
    const std::string yaml = ToYaml(message);
    const auto status = ParseYaml(yaml, "m.yaml", read);
    RC_LOG() << yaml << status;
    RC_ASSERT(status.ok());
    RC_ASSERT(MessageDifferencer::Equals(read, message));
  });
}

TEST_CASE("any plan survives being written as YAML and read again") {
  CHECK(RoundTrips<v1::Plan>());
}
TEST_CASE("any configuration survives it") {
  CHECK(RoundTrips<v1::CoordinatorConfig>());
}
TEST_CASE("a manifest, a list of messages, survives it") {
  CHECK(RoundTrips<v1::Manifest>());
}
TEST_CASE("the wire's messages survive it, maps and bytes included") {
  v1::RunDetail detail;
  detail.mutable_summary()->set_run("a: b");
  (*detail.mutable_refusals())["too_late"] = 3;
  (*detail.mutable_refusals())["over: bound"] = 5;
  for (int i = 1; i <= 2; ++i) {
    auto& record = *detail.add_rounds();
    record.set_round(i);
    record.set_model(std::string("\x00\x01", 2));
    (*record.mutable_metrics())["accuracy"] = 0.1 + i;
  }
  detail.add_rounds();
  v1::RunDetail read;
  REQUIRE(ParseYaml(ToYaml(detail), "d", read).ok());
  CHECK(MessageDifferencer::Equals(read, detail));
}
TEST_CASE("an empty message is an empty mapping") {
  CHECK(ToYaml(v1::CheckIn()) == "{}\n");
}

}  // namespace
}  // namespace tributary::codec
