// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/yaml_setting.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tributary::codec {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

// More than any plan is deep.
constexpr std::size_t kMostParts = 32;

Problem NoSetting(std::string_view setting) {
  return {"", absl::StrCat(Quoted(setting),
                           " is not KEY=VALUE, such as round.cohort_size=20")};
}

void PutOnLine(int line, YamlNode& node) {
  node.line = line;
  for (YamlNode& item : node.items) PutOnLine(line, item);
}

// Position of the key in the mapping's items; their number if it is not there.
std::size_t Find(const YamlNode& mapping, std::string_view key) {
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i].text == key) return i;
  }
  return mapping.items.size();
}

void Erase(std::string_view key, YamlNode& mapping) {
  const std::size_t at = Find(mapping, key);
  if (at == mapping.items.size()) return;
  const auto first = mapping.items.begin() + static_cast<std::ptrdiff_t>(at);
  mapping.items.erase(first, first + 2);
}

// Takes away what may not stand beside the field.
void EraseAlternatives(const FieldDescriptor& field, YamlNode& mapping) {
  const OneofDescriptor* oneof = field.real_containing_oneof();
  if (oneof == nullptr) return;
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (oneof->field(i) != &field) Erase(oneof->field(i)->name(), mapping);
  }
}

YamlNode& ValueOf(std::string_view key, int line, YamlNode& mapping) {
  const std::size_t at = Find(mapping, key);
  if (at == mapping.items.size()) {
    YamlNode name;
    name.kind = YamlNode::Kind::kScalar;
    name.text = key;
    mapping.items.push_back(std::move(name));
    mapping.items.emplace_back();
  }
  mapping.items[at].line = line;
  return mapping.items[at + 1];
}

}  // namespace

std::optional<Problem> ApplySetting(std::string_view setting, int line,
                                    const Descriptor& schema, YamlNode& root) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos) return NoSetting(setting);
  const std::string key(setting.substr(0, equals));
  const std::vector<std::string> parts = absl::StrSplit(key, '.');
  if (parts.size() > kMostParts) return NoSetting(setting);
  for (const std::string& part : parts) {
    if (part.empty()) return NoSetting(setting);
  }
  auto value = ParseYamlDocument(setting.substr(equals + 1));
  if (auto* problem = std::get_if<Problem>(&value)) {
    return Problem{key, problem->reason};
  }
  YamlNode& wanted = std::get<YamlNode>(value);
  PutOnLine(line, wanted);

  const Descriptor* known = &schema;
  YamlNode* node = &root;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const FieldDescriptor* field =
        known == nullptr ? nullptr : known->FindFieldByName(parts[i]);
    known = nullptr;
    if (node->kind != YamlNode::Kind::kMapping) {
      *node = YamlNode{};
      node->kind = YamlNode::Kind::kMapping;
      node->line = line;
    }
    const bool is_last = i + 1 == parts.size();
    if (field != nullptr) {
      if (is_last && wanted.kind == YamlNode::Kind::kNull) {
        Erase(parts[i], *node);
        return std::nullopt;
      }
      EraseAlternatives(*field, *node);
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
          !field->is_repeated()) {
        known = field->message_type();
      }
    }
    node = &ValueOf(parts[i], line, *node);
  }
  *node = std::move(wanted);
  return std::nullopt;
}

}  // namespace tributary::codec
