// SPDX-License-Identifier: Apache-2.0
// A YAML tree into a message, by the message's descriptor. Pure; gathers every
// problem instead of stopping at the first.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "proto/codec/problem.h"
#include "proto/codec/yaml_document.h"

namespace tributary::codec {

// Where each key that was read stands, by path.
using KeyLines = std::map<std::string, int>;

struct YamlReading {
  Problems problems;
  KeyLines lines;
};

// Fills `message` (cleared first) with everything that could be read, with the
// settings (yaml_setting.h) in place of what the text says, the last one of a
// key counting. Setting number i is on line -(i + 1).
YamlReading ReadYaml(std::string_view text,
                     std::span<const std::string> settings,
                     google::protobuf::Message& message);

// Adds rules that were found broken in what was read, at the line of the
// nearest key, except where the reading already has a problem with that key.
void AddRuleProblems(const Problems& rules, YamlReading& reading);

}  // namespace tributary::codec
