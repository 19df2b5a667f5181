// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/yaml_scalar.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>
#include <type_traits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/duration.h"
#include "proto/codec/limits.h"

namespace tributary::codec {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using Defect = std::optional<std::string>;

// Calls the setter of a singular field or the adder of a repeated one.
template <typename Setter, typename Adder, typename T>
void Store(Setter setter, Adder adder, const FieldDescriptor& field,
           const T& value, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    (reflection.*adder)(&message, &field, value);
  } else {
    (reflection.*setter)(&message, &field, value);
  }
}

std::string NotA(const YamlNode& node, const FieldDescriptor& field) {
  const std::string what(ScalarName(field));
  if (node.quoted) {
    return absl::StrCat(Quoted(node.text), " is a text, not ", what);
  }
  return absl::StrCat(Quoted(node.text), " is not ", what);
}

template <typename T, typename Setter, typename Adder>
Defect SetNumber(const YamlNode& node, const FieldDescriptor& field,
                 Message& message, Setter setter, Adder adder) {
  std::string_view text = node.text;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T value{};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (node.quoted || read.ptr != end ||
      read.ec == std::errc::invalid_argument) {
    // A negative number is no syntax error of an unsigned field.
    if (std::is_unsigned_v<T> && !node.quoted && !text.empty() &&
        text.front() == '-') {
      return absl::StrCat(Quoted(node.text), " is negative");
    }
    return NotA(node, field);
  }
  if (read.ec == std::errc::result_out_of_range) {
    return absl::StrCat(Quoted(node.text), " is out of range");
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return NotA(node, field);
  }
  if (auto defect = NumberDefect(LimitsOf(field), static_cast<double>(value),
                                 node.text)) {
    return defect;
  }
  Store(setter, adder, field, value, message);
  return std::nullopt;
}

Defect SetBool(const YamlNode& node, const FieldDescriptor& field,
               Message& message) {
  if (node.quoted || (node.text != "true" && node.text != "false")) {
    return NotA(node, field);
  }
  Store(&Reflection::SetBool, &Reflection::AddBool, field, node.text == "true",
        message);
  return std::nullopt;
}

Defect SetText(const YamlNode& node, const FieldDescriptor& field,
               Message& message) {
  std::string text = node.text;
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    if (node.text.size() % 2 != 0) return NotA(node, field);
    text.clear();
    for (std::size_t i = 0; i < node.text.size(); i += 2) {
      const char* const pair = node.text.data() + i;
      unsigned char byte = 0;
      const auto [end, error] = std::from_chars(pair, pair + 2, byte, 16);
      if (error != std::errc() || end != pair + 2) return NotA(node, field);
      text.push_back(static_cast<char>(byte));
    }
  }
  const auto& limits = LimitsOf(field);
  if (limits.required() && text.empty()) return "is empty";
  if (!field.is_repeated()) {
    if (auto defect = SizeDefect(limits, text.size(), "bytes")) return defect;
  }
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    reflection.AddString(&message, &field, text);
  } else {
    reflection.SetString(&message, &field, text);
  }
  return std::nullopt;
}

Defect SetEnum(const YamlNode& node, const FieldDescriptor& field,
               Message& message) {
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const EnumValueDescriptor& value = *field.enum_type()->value(i);
    // The first value only says that none was given.
    if (value.number() == 0) continue;
    names.push_back(EnumText(value));
    if (names.back() == node.text) {
      Store(&Reflection::SetEnumValue, &Reflection::AddEnumValue, field,
            value.number(), message);
      return std::nullopt;
    }
  }
  std::string known;
  for (const std::string& name : names) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return absl::StrCat(Quoted(node.text), " is not one of ", known);
}

Defect SetDuration(const YamlNode& node, const FieldDescriptor& field,
                   Message& message) {
  const auto duration = ParseDuration(node.text);
  if (!duration) return NotA(node, field);
  if (auto defect =
          NumberDefect(LimitsOf(field), Seconds(*duration), node.text)) {
    return defect;
  }
  const Reflection& reflection = *message.GetReflection();
  (field.is_repeated() ? reflection.AddMessage(&message, &field)
                       : reflection.MutableMessage(&message, &field))
      ->CopyFrom(*duration);
  return std::nullopt;
}

}  // namespace

std::string_view ScalarName(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "a word";
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? "hex digits"
                                                         : "a text";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "a duration such as 90s or 5m";
  }
  return "a value";
}

Defect SetScalar(const YamlNode& node, const FieldDescriptor& field,
                 Message& message) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SetNumber<std::int32_t>(
          node, field, message, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetNumber<std::int64_t>(
          node, field, message, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetNumber<std::uint32_t>(
          node, field, message, &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetNumber<std::uint64_t>(
          node, field, message, &Reflection::SetUInt64, &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetNumber<double>(node, field, message, &Reflection::SetDouble,
                               &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return SetNumber<float>(node, field, message, &Reflection::SetFloat,
                              &Reflection::AddFloat);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetBool(node, field, message);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(node, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(node, field, message);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetDuration(node, field, message);
  }
  return "cannot be given here";
}

std::string EnumText(const EnumValueDescriptor& value) {
  return absl::AsciiStrToLower(value.name());
}

}  // namespace tributary::codec
