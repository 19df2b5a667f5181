// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/message_json.h"

#include <cmath>
#include <ctime>
#include <map>

#include "absl/strings/escaping.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace tributary::ctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

ordered_json ValueOf(const Message& message, const FieldDescriptor& field,
                     int index) {
  const Reflection& from = *message.GetReflection();
  const auto get = [&](auto singular, auto repeated) {
    return index < 0 ? (from.*singular)(message, &field)
                     : (from.*repeated)(message, &field, index);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64);
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value =
          field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE
              ? get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble)
              : get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat);
      // JSON has no NaN.
      return std::isfinite(value) ? ordered_json(value) : ordered_json();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&Reflection::GetBool, &Reflection::GetRepeatedBool);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number =
          get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? ordered_json(number)
                              : ordered_json(std::string(value->name()));
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          index < 0 ? from.GetString(message, &field)
                    : from.GetRepeatedString(message, &field, index);
      return field.type() == FieldDescriptor::TYPE_BYTES
                 ? absl::BytesToHexString(text)
                 : text;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(index < 0
                        ? from.GetMessage(message, &field)
                        : from.GetRepeatedMessage(message, &field, index));
  }
  return {};
}

ordered_json RepeatedOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& from = *message.GetReflection();
  const int size = from.FieldSize(message, &field);
  if (!field.is_map()) {
    ordered_json list = ordered_json::array();
    for (int i = 0; i < size; ++i) list.push_back(ValueOf(message, field, i));
    return list;
  }
  // A map has no order on the wire; sorted, the same state is the same text.
  std::map<std::string, ordered_json> sorted;
  for (int i = 0; i < size; ++i) {
    const Message& entry = from.GetRepeatedMessage(message, &field, i);
    const auto key = ValueOf(entry, *field.message_type()->map_key(), -1);
    sorted[key.is_string() ? key.get<std::string>() : key.dump()] =
        ValueOf(entry, *field.message_type()->map_value(), -1);
  }
  ordered_json object = ordered_json::object();
  for (const auto& [key, value] : sorted) object[key] = value;
  return object;
}

}  // namespace

std::string TimeText(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm broken{};
  gmtime_r(&time, &broken);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text;
}

ordered_json ToJson(const Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  if (descriptor.full_name() == "google.protobuf.Timestamp") {
    google::protobuf::Timestamp time;
    time.CopyFrom(message);
    return TimeText(time.seconds());
  }
  if (descriptor.full_name() == "google.protobuf.Duration") {
    google::protobuf::Duration duration;
    duration.CopyFrom(message);
    return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
  }
  ordered_json object = ordered_json::object();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string name(field.name());
    if (field.is_repeated()) {
      object[name] = RepeatedOf(message, field);
    } else if (!field.has_presence() ||
               message.GetReflection()->HasField(message, &field)) {
      object[name] = ValueOf(message, field, -1);
    } else {
      object[name] = nullptr;
    }
  }
  return object;
}

}  // namespace tributary::ctl
