// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "proto/codec/duration.h"
#include "proto/codec/limits.h"
#include "proto/codec/yaml.h"
#include "proto/codec/yaml_scalar.h"

namespace tributary::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Texts that need no quotes and mean nothing else in YAML.
bool IsPlain(const std::string& text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0])))
    return false;
  for (const char c : text) {
    const bool fine = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                      c == '_' || c == '-' || c == '.' || c == '/';
    if (!fine) return false;
  }
  const std::string lower = absl::AsciiStrToLower(text);
  return lower != "null" && lower != "true" && lower != "false" &&
         lower != "yes" && lower != "no" && lower != "on" && lower != "off";
}

std::string TextOf(const std::string& text) {
  if (IsPlain(text)) return text;
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else if (text.compare(i, 3, "\xef\xbb\xbf") == 0) {
      out += "\\ufeff";  // a byte order mark would be dropped by a reader
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

std::string NumberOf(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

std::string ScalarOf(const Message& message, const FieldDescriptor& field,
                     int index) {
  const Reflection& from = *message.GetReflection();
  const auto get = [&](auto singular, auto repeated) {
    return index < 0 ? (from.*singular)(message, &field)
                     : (from.*repeated)(message, &field, index);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(
          get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(
          get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(
          get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(
          get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberOf(
          get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return NumberOf(
          get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true"
                                                                     : "false";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number =
          get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? absl::StrCat(number) : EnumText(*value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text;
      text = index < 0 ? from.GetString(message, &field)
                       : from.GetRepeatedString(message, &field, index);
      return field.type() == FieldDescriptor::TYPE_BYTES
                 ? absl::StrCat("\"", absl::BytesToHexString(text), "\"")
                 : TextOf(text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      google::protobuf::Duration duration;
      duration.CopyFrom(index < 0
                            ? from.GetMessage(message, &field)
                            : from.GetRepeatedMessage(message, &field, index));
      return FormatDuration(duration);
    }
  }
  return {};
}

bool IsMapping(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         !IsDuration(field);
}

// The keys of a message, each line indented; nothing for an empty message.
std::string KeysOf(const Message& message, int indent);

// What follows a colon: a scalar, {} or an indented block.
std::string AfterColon(const Message& message, const FieldDescriptor& field,
                       int index, int indent) {
  if (!IsMapping(field)) {
    return absl::StrCat(" ", ScalarOf(message, field, index), "\n");
  }
  const Reflection& from = *message.GetReflection();
  const Message& value = index < 0
                             ? from.GetMessage(message, &field)
                             : from.GetRepeatedMessage(message, &field, index);
  const std::string keys = KeysOf(value, indent + 2);
  return keys.empty() ? " {}\n" : absl::StrCat("\n", keys);
}

std::string RepeatedOf(const Message& message, const FieldDescriptor& field,
                       int indent) {
  const Reflection& from = *message.GetReflection();
  const int size = from.FieldSize(message, &field);
  std::string out;
  if (field.is_map()) {
    out = "\n";
    for (int i = 0; i < size; ++i) {
      const Message& entry = from.GetRepeatedMessage(message, &field, i);
      absl::StrAppend(&out, std::string(indent + 2, ' '),
                      ScalarOf(entry, *field.message_type()->map_key(), -1),
                      ":",
                      AfterColon(entry, *field.message_type()->map_value(), -1,
                                 indent + 2));
    }
  } else if (IsMapping(field)) {
    out = "\n";
    for (int i = 0; i < size; ++i) {
      std::string keys =
          KeysOf(from.GetRepeatedMessage(message, &field, i), indent + 4);
      if (keys.empty()) keys = std::string(indent + 4, ' ') + "{}\n";
      keys[static_cast<std::size_t>(indent) + 2] = '-';
      out += keys;
    }
  } else {
    out = " [";
    for (int i = 0; i < size; ++i) {
      absl::StrAppend(&out, i == 0 ? "" : ", ", ScalarOf(message, field, i));
    }
    out += "]\n";
  }
  return out;
}

std::string KeysOf(const Message& message, int indent) {
  std::string out;
  const auto& descriptor = *message.GetDescriptor();
  const Reflection& from = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const bool present = field.is_repeated()
                             ? from.FieldSize(message, &field) > 0
                             : from.HasField(message, &field);
    if (!present) continue;
    absl::StrAppend(&out, std::string(indent, ' '), field.name(), ":",
                    field.is_repeated()
                        ? RepeatedOf(message, field, indent)
                        : AfterColon(message, field, -1, indent));
  }
  return out;
}

}  // namespace

std::string ToYaml(const Message& message) {
  const std::string keys = KeysOf(message, 0);
  return keys.empty() ? "{}\n" : keys;
}

}  // namespace tributary::codec
