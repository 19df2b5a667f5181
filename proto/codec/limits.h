// SPDX-License-Identifier: Apache-2.0
// The limits that fields carry (tributary/v1/limits.proto), applied to one
// value or to a whole message. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/codec/problem.h"
#include "tributary/v1/limits.pb.h"

namespace tributary::codec {

const v1::Limits& LimitsOf(const google::protobuf::FieldDescriptor& field);

// What is wrong with a number, if anything; `shown` is how it is written.
std::optional<std::string> NumberDefect(const v1::Limits& limits, double value,
                                        const std::string& shown);
// What is wrong with the length of a string (bytes) or a list (elements).
std::optional<std::string> SizeDefect(const v1::Limits& limits,
                                      std::size_t size,
                                      const std::string& unit);

// "a, b and c": the fields of a oneof, for "needs one of ...".
std::string NamesOf(const google::protobuf::OneofDescriptor& oneof);

// The field that is set of `message`'s oneof of this name, as a plan has it;
// empty if none is.
std::string NameOfChosen(const google::protobuf::Message& message,
                         const std::string& oneof);

// True for google.protobuf.Duration.
bool IsDuration(const google::protobuf::FieldDescriptor& field);

// Every violated limit of the message and those within it.
void FindLimitProblems(const google::protobuf::Message& message,
                       const std::string& path, Problems& problems);

}  // namespace tributary::codec
