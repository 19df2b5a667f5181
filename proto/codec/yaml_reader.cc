// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/yaml_reader.h"

#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/codec/limits.h"
#include "proto/codec/yaml.h"
#include "proto/codec/yaml_scalar.h"
#include "proto/codec/yaml_setting.h"

namespace tributary::codec {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

class Reader {
 public:
  explicit Reader(YamlReading& reading) : reading_(reading) {}

  void ReadMessage(const YamlNode& node, const std::string& path,
                   Message& message);

 private:
  void Report(const std::string& path, int line, std::string reason) {
    reading_.problems.push_back({path, std::move(reason), line});
  }
  void ReportUnknown(const Descriptor& descriptor, const std::string& name,
                     const std::string& path, int line);
  void ReadField(const YamlNode& node, const FieldDescriptor& field,
                 const std::string& path, int line, Message& message);
  void ReadRepeated(const YamlNode& node, const FieldDescriptor& field,
                    const std::string& path, Message& message);
  void ReadMap(const YamlNode& node, const FieldDescriptor& field,
               const std::string& path, Message& message);
  void ReadScalar(const YamlNode& node, const FieldDescriptor& field,
                  const std::string& path, Message& message);
  // The text of a key not met before in its mapping, or empty and reported.
  std::string KeyOf(const YamlNode& key, const std::string& path,
                    KeyLines& seen);
  bool HasSize(const YamlNode& node, const FieldDescriptor& field,
               const std::string& path, std::size_t size);

  YamlReading& reading_;
};

std::string Expected(const YamlNode& node, const std::string& what) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return absl::StrCat("has no value; expected ", what);
    case YamlNode::Kind::kScalar:
      return absl::StrCat(Quoted(node.text), " is not ", what);
    case YamlNode::Kind::kSequence:
      return absl::StrCat("is a list; expected ", what);
    case YamlNode::Kind::kMapping:
      return absl::StrCat("is a mapping; expected ", what);
  }
  return {};
}

std::string Reader::KeyOf(const YamlNode& key, const std::string& path,
                          KeyLines& seen) {
  if (key.kind != YamlNode::Kind::kScalar || key.text.empty()) {
    Report(path, key.line, "a key is not a word");
    return {};
  }
  const auto [first, is_new] = seen.emplace(key.text, key.line);
  if (is_new) return key.text;
  Report(JoinPath(path, key.text), key.line,
         absl::StrCat("given twice; first on line ", first->second));
  return {};
}

void Reader::ReportUnknown(const Descriptor& descriptor,
                           const std::string& name, const std::string& path,
                           int line) {
  std::vector<std::string> names;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    names.emplace_back(descriptor.field(i)->name());
  }
  const std::string nearest = NearestName(name, names);
  // A key can hold anything; only a tidy one becomes part of a path.
  const std::string quoted = Quoted(name);
  const bool tidy = quoted.size() == name.size() + 2;
  const std::string hint =
      nearest.empty() ? "" : absl::StrCat("; did you mean \"", nearest, "\"?");
  if (tidy) {
    Report(JoinPath(path, name), line, "unknown key" + hint);
  } else {
    Report(path, line, absl::StrCat("unknown key ", quoted, hint));
  }
}

void Reader::ReadMessage(const YamlNode& node, const std::string& path,
                         Message& message) {
  if (node.kind != YamlNode::Kind::kMapping) {
    const std::string what = "a mapping of keys (at least {})";
    Report(path, node.line, Expected(node, what));
    return;
  }
  const Descriptor& descriptor = *message.GetDescriptor();
  KeyLines seen;
  std::map<const OneofDescriptor*, std::string> chosen;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const int line = node.items[i].line;
    const std::string name = KeyOf(node.items[i], path, seen);
    if (name.empty()) continue;
    const FieldDescriptor* field = descriptor.FindFieldByName(name);
    if (field == nullptr) {
      ReportUnknown(descriptor, name, path, line);
      continue;
    }
    const std::string key = JoinPath(path, name);
    reading_.lines.emplace(key, line);
    if (const OneofDescriptor* oneof = field->real_containing_oneof()) {
      const auto [first, is_new] = chosen.emplace(oneof, name);
      if (!is_new) {
        Report(
            key, line,
            absl::StrCat("cannot stand beside \"", first->second, "\" (line ",
                         seen[first->second], "); keep one of them"));
        continue;
      }
    }
    ReadField(node.items[i + 1], *field, key, line, message);
  }
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (LimitsOf(field).required() &&
        !seen.contains(std::string(field.name()))) {
      Report(JoinPath(path, std::string(field.name())), node.line,
             "is required");
    }
  }
}

void Reader::ReadField(const YamlNode& node, const FieldDescriptor& field,
                       const std::string& path, int line, Message& message) {
  if (field.is_map()) {
    ReadMap(node, field, path, message);
  } else if (field.is_repeated()) {
    ReadRepeated(node, field, path, message);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
             !IsDuration(field)) {
    YamlNode at_key;
    const YamlNode* read = &node;
    // What a mapping lacks is reported where its key stands.
    if (node.kind == YamlNode::Kind::kMapping && node.items.empty()) {
      at_key = node;
      at_key.line = line;
      read = &at_key;
    }
    ReadMessage(*read, path,
                *message.GetReflection()->MutableMessage(&message, &field));
  } else {
    ReadScalar(node, field, path, message);
  }
}

bool Reader::HasSize(const YamlNode& node, const FieldDescriptor& field,
                     const std::string& path, std::size_t size) {
  auto defect = SizeDefect(LimitsOf(field), size, "elements");
  if (defect) Report(path, node.line, *std::move(defect));
  return !defect;
}

void Reader::ReadRepeated(const YamlNode& node, const FieldDescriptor& field,
                          const std::string& path, Message& message) {
  if (node.kind != YamlNode::Kind::kSequence) {
    Report(path, node.line, Expected(node, "a list"));
    return;
  }
  if (!HasSize(node, field, path, node.items.size())) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string element = absl::StrCat(path, "[", i, "]");
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
        !IsDuration(field)) {
      ReadMessage(node.items[i], element,
                  *message.GetReflection()->AddMessage(&message, &field));
    } else {
      ReadScalar(node.items[i], field, element, message);
    }
  }
}

void Reader::ReadMap(const YamlNode& node, const FieldDescriptor& field,
                     const std::string& path, Message& message) {
  if (node.kind != YamlNode::Kind::kMapping) {
    Report(path, node.line, Expected(node, "a mapping of keys"));
    return;
  }
  if (!HasSize(node, field, path, node.items.size() / 2)) return;
  KeyLines seen;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const std::string name = KeyOf(node.items[i], path, seen);
    if (name.empty()) continue;
    const std::string element = JoinPath(path, name);
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    ReadScalar(node.items[i], *field.message_type()->map_key(), element, entry);
    ReadField(node.items[i + 1], *field.message_type()->map_value(), element,
              node.items[i].line, entry);
  }
}

void Reader::ReadScalar(const YamlNode& node, const FieldDescriptor& field,
                        const std::string& path, Message& message) {
  if (node.kind != YamlNode::Kind::kScalar) {
    Report(path, node.line, Expected(node, std::string(ScalarName(field))));
    return;
  }
  if (auto defect = SetScalar(node, field, message)) {
    Report(path, node.line, *std::move(defect));
  }
}

// True if one path is the other or lies within it.
bool AreRelated(const std::string& a, const std::string& b) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& longer = a.size() < b.size() ? b : a;
  if (shorter.empty()) return true;
  return absl::StartsWith(longer, shorter) &&
         (longer.size() == shorter.size() || longer[shorter.size()] == '.' ||
          longer[shorter.size()] == '[');
}

int LineOf(std::string path, const KeyLines& lines) {
  while (!path.empty()) {
    const auto found = lines.find(path);
    if (found != lines.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return 1;
}

}  // namespace

YamlReading ReadYaml(std::string_view text,
                     std::span<const std::string> settings, Message& message) {
  message.Clear();
  YamlReading reading;
  auto document = ParseYamlDocument(text);
  if (auto* problem = std::get_if<Problem>(&document)) {
    reading.problems.push_back(std::move(*problem));
    return reading;
  }
  YamlNode& root = std::get<YamlNode>(document);
  if (root.kind == YamlNode::Kind::kNull) root.kind = YamlNode::Kind::kMapping;
  int line = 0;
  for (const std::string& setting : settings) {
    --line;
    if (auto problem =
            ApplySetting(setting, line, *message.GetDescriptor(), root)) {
      problem->line = line;
      reading.problems.push_back(*std::move(problem));
    }
  }
  Reader(reading).ReadMessage(root, "", message);
  return reading;
}

void AddRuleProblems(const Problems& rules, YamlReading& reading) {
  const std::size_t read = reading.problems.size();
  for (const Problem& rule : rules) {
    bool known = false;
    for (std::size_t i = 0; i < read && !known; ++i) {
      known = AreRelated(rule.path, reading.problems[i].path);
    }
    if (!known) {
      reading.problems.push_back(
          {rule.path, rule.reason, LineOf(rule.path, reading.lines)});
    }
  }
}

absl::Status ParseYaml(std::string_view text, std::string_view name,
                       Message& message) {
  return ToStatus(ReadYaml(text, {}, message).problems, std::string(name));
}

absl::Status CheckLimits(const Message& message) {
  if (message.GetDescriptor() == v1::Plan::descriptor()) {
    return ValidatePlan(static_cast<const v1::Plan&>(message));
  }
  Problems problems;
  FindLimitProblems(message, "", problems);
  return ToStatus(std::move(problems));
}

}  // namespace tributary::codec
