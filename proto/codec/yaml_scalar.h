// SPDX-License-Identifier: Apache-2.0
// One scalar of a YAML text into one field: its type, its spelling, its limits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/codec/yaml_document.h"

namespace tributary::codec {

// What a field wants, for errors: "a whole number", "true or false".
std::string_view ScalarName(const google::protobuf::FieldDescriptor& field);

// Sets the field (or adds an element, if it is repeated), or says what is
// wrong.
std::optional<std::string> SetScalar(
    const YamlNode& node, const google::protobuf::FieldDescriptor& field,
    google::protobuf::Message& message);

// An enum value as YAML writes it: "cross_entropy".
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);

}  // namespace tributary::codec
