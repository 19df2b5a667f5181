// SPDX-License-Identifier: Apache-2.0
// "round.cohort_size=20": one value of a YAML tree, said outside its file. The
// value is YAML itself, so lists and mappings work too:
//
//   training.learning_rate=0.1
//   model.architecture.mlp.hidden=[64, 32]
//   server_optimizer={fedadam: {learning_rate: 0.01}}
//   training.epochs=                            takes the key away
//
// Pure.
#pragma once

#include <optional>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "proto/codec/problem.h"
#include "proto/codec/yaml_document.h"

namespace tributary::codec {

// Puts the value where the key says, in place of what is there; what is on the
// way is made. Where the schema lets only one of several keys stand, the one
// set replaces the others. New nodes are on `line`. Whether key and value fit
// the schema is for the reader of the tree to say; here only what is no
// setting is a problem.
std::optional<Problem> ApplySetting(std::string_view setting, int line,
                                    const google::protobuf::Descriptor& schema,
                                    YamlNode& root);

}  // namespace tributary::codec
