// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/limits.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/codec/duration.h"

namespace tributary::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Shown(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

// A view over one value of a field: of a singular field, or one element.
struct Value {
  const Message& message;
  const FieldDescriptor& field;
  int index;  // -1: singular

  template <typename Singular, typename Repeated>
  auto Get(Singular singular, Repeated repeated) const {
    const Reflection& reflection = *message.GetReflection();
    return index < 0 ? (reflection.*singular)(message, &field)
                     : (reflection.*repeated)(message, &field, index);
  }
};

// The value and its text, if the field holds numbers.
std::optional<std::pair<double, std::string>> Number(const Value& value) {
  const auto both = [](auto number) {
    return std::pair(static_cast<double>(number), absl::StrCat(number));
  };
  switch (value.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return both(
          value.Get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return both(
          value.Get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return both(
          value.Get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return both(
          value.Get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double number =
          value.Get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble);
      return std::pair(number, Shown(number));
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const double number =
          value.Get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat);
      return std::pair(number, Shown(number));
    }
    default:
      return std::nullopt;
  }
}

void Add(Problems& problems, const std::string& path,
         std::optional<std::string> defect) {
  if (defect) problems.push_back({path, *std::move(defect)});
}

void CheckSubmessage(const Message& message, const FieldDescriptor& field,
                     const std::string& path, Problems& problems) {
  if (!IsDuration(field)) {
    FindLimitProblems(message, path, problems);
    return;
  }
  google::protobuf::Duration duration;
  duration.CopyFrom(message);
  if (!IsValid(duration)) {
    problems.push_back({path, "is not a valid duration"});
    return;
  }
  Add(problems, path,
      NumberDefect(LimitsOf(field), Seconds(duration),
                   FormatDuration(duration)));
}

void CheckValue(const Value& value, const std::string& path,
                Problems& problems) {
  const FieldDescriptor& field = value.field;
  const Reflection& reflection = *value.message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      CheckSubmessage(value.index < 0
                          ? reflection.GetMessage(value.message, &field)
                          : reflection.GetRepeatedMessage(value.message, &field,
                                                          value.index),
                      field, path, problems);
      return;
    case FieldDescriptor::CPPTYPE_STRING: {
      if (value.index >= 0) return;  // max_size counts the elements there
      std::string scratch;
      const std::string& text =
          reflection.GetStringReference(value.message, &field, &scratch);
      Add(problems, path, SizeDefect(LimitsOf(field), text.size(), "bytes"));
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = value.Get(&Reflection::GetEnumValue,
                                   &Reflection::GetRepeatedEnumValue);
      if (field.enum_type()->FindValueByNumber(number) == nullptr) {
        problems.push_back({path, absl::StrCat(number, " is not a value of ",
                                               field.enum_type()->name())});
      }
      return;
    }
    default:
      if (const auto number = Number(value)) {
        Add(problems, path,
            NumberDefect(LimitsOf(field), number->first, number->second));
      }
  }
}

void CheckRepeated(const Message& message, const FieldDescriptor& field,
                   const std::string& path, Problems& problems) {
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  if (auto defect = SizeDefect(LimitsOf(field), size, "elements")) {
    // The elements of a list that is too long are not looked at: the list may
    // be of any length.
    problems.push_back({path, *std::move(defect)});
    return;
  }
  if (size == 0 && LimitsOf(field).required()) {
    problems.push_back({path, "is required"});
  }
  for (int i = 0; i < size; ++i) {
    CheckValue({message, field, i}, absl::StrCat(path, "[", i, "]"), problems);
  }
}

}  // namespace

const v1::Limits& LimitsOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::limits);
}

std::optional<std::string> NumberDefect(const v1::Limits& limits, double value,
                                        const std::string& shown) {
  // Written so that NaN, which compares false with everything, is a defect.
  if (limits.has_min()) {
    if (limits.exclusive_min() && !(value > limits.min())) {
      return absl::StrCat(shown, " is not greater than ", Shown(limits.min()));
    }
    if (!(value >= limits.min())) {
      return absl::StrCat(shown, " is less than ", Shown(limits.min()));
    }
  }
  if (limits.has_max() && !(value <= limits.max())) {
    return absl::StrCat(shown, " is greater than ", Shown(limits.max()));
  }
  return std::nullopt;
}

std::optional<std::string> SizeDefect(const v1::Limits& limits,
                                      std::size_t size,
                                      const std::string& unit) {
  if (!limits.has_max_size() || size <= limits.max_size()) return std::nullopt;
  return absl::StrCat("has ", size, " ", unit, ", more than ",
                      limits.max_size());
}

std::string NameOfChosen(const google::protobuf::Message& message,
                         const std::string& oneof) {
  const auto* chosen = message.GetReflection()->GetOneofFieldDescriptor(
      message, message.GetDescriptor()->FindOneofByName(oneof));
  return chosen == nullptr ? "" : std::string(chosen->name());
}

std::string NamesOf(const google::protobuf::OneofDescriptor& oneof) {
  std::string names;
  const int last = oneof.field_count() - 1;
  for (int i = 0; i <= last; ++i) {
    absl::StrAppend(&names,
                    i == 0      ? ""
                    : i == last ? " and "
                                : ", ",
                    std::string(oneof.field(i)->name()));
  }
  return names;
}

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == "google.protobuf.Duration";
}

void FindLimitProblems(const Message& message, const std::string& path,
                       Problems& problems) {
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string name(field.name());
    if (field.is_repeated()) {
      CheckRepeated(message, field, JoinPath(path, name), problems);
      continue;
    }
    // A scalar without presence at its default counts as absent: a reader of
    // YAML sees the difference, the wire does not.
    if (!message.GetReflection()->HasField(message, &field)) {
      if (LimitsOf(field).required()) {
        problems.push_back({JoinPath(path, name), "is required"});
      }
      continue;
    }
    CheckValue({message, field, -1}, JoinPath(path, name), problems);
  }
}

}  // namespace tributary::codec
