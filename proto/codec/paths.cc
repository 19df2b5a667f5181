// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/paths.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/limits.h"
#include "proto/codec/problem.h"

namespace tributary::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Change = std::function<void(const std::string&, std::string&)>;

void Visit(Message& message, const std::string& at, const Change& change);

void VisitRepeated(Message& message, const FieldDescriptor& field,
                   const std::string& key, const Change& change) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const std::string element = absl::StrCat(key, "[", i, "]");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(*reflection.MutableRepeatedMessage(&message, &field, i), element,
            change);
    } else {
      std::string path = reflection.GetRepeatedString(message, &field, i);
      change(element, path);
      reflection.SetRepeatedString(&message, &field, i, std::move(path));
    }
  }
}

void Visit(Message& message, const std::string& at, const Change& change) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && !LimitsOf(*field).is_path()) continue;
    const std::string key = JoinPath(at, std::string(field->name()));
    if (field->is_repeated()) {
      VisitRepeated(message, *field, key, change);
    } else if (is_message) {
      Visit(*reflection.MutableMessage(&message, field), key, change);
    } else {
      std::string path = reflection.GetString(message, field);
      if (path.empty()) continue;
      change(key, path);
      reflection.SetString(&message, field, std::move(path));
    }
  }
}

}  // namespace

void ForEachPath(Message& message, const Change& change) {
  Visit(message, "", change);
}

void MakePathsAbsolute(const std::filesystem::path& folder, Message& message) {
  ForEachPath(message, [&](const std::string&, std::string& path) {
    if (path.starts_with(kDataFolder)) return;
    path = (folder / path).lexically_normal().string();
  });
}

}  // namespace tributary::codec
