// SPDX-License-Identifier: Apache-2.0
// Only updates leave a client: every field that a client can send is in this
// list, with what it holds. A field that is added to the schema fails this test
// until someone has said here why it carries no example.
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "tributary/v1/federation.pb.h"
// Last.
#include "tests/catch.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;

const std::set<std::string> kMayLeave = {
    // Who the client is and what it speaks.
    "ClientMessage.hello: message Hello",
    "ClientMessage.hello.min_wire_version: uint32",
    "ClientMessage.hello.max_wire_version: uint32",
    "ClientMessage.hello.population: string",
    "ClientMessage.hello.software: string",
    "ClientMessage.hello.client_name: string",
    "ClientMessage.hello.role: enum Role",
    "ClientMessage.hello.session: uint64",
    // That it is free.
    "ClientMessage.check_in: message CheckIn",
    // The header of an update: counts, hashes, one scalar.
    "ClientMessage.update_ready: message UpdateReady",
    "ClientMessage.update_ready.header: message UpdateHeader",
    "ClientMessage.update_ready.header.task_token: bytes",
    "ClientMessage.update_ready.header.encoding: enum Encoding",
    "ClientMessage.update_ready.header.size: uint64",
    "ClientMessage.update_ready.header.checksum: uint64",
    "ClientMessage.update_ready.header.weight: uint32",
    "ClientMessage.update_ready.header.base_model: bytes",
    "ClientMessage.update_ready.header.train_loss: double",
    // Of an aggregator's sum: how many leaves, their weight together, a hash of
    // their names.
    "ClientMessage.update_ready.header.partial_sum: message PartialSum",
    "ClientMessage.update_ready.header.partial_sum.epoch: uint64",
    "ClientMessage.update_ready.header.partial_sum.leaves: uint32",
    "ClientMessage.update_ready.header.partial_sum.weight: uint64",
    "ClientMessage.update_ready.header.partial_sum.leaves_sha256: bytes",
    // Named scalars over a whole evaluation, at most 32.
    "ClientMessage.evaluation: message EvaluationResult",
    "ClientMessage.evaluation.task_token: bytes",
    "ClientMessage.evaluation.examples: uint64",
    "ClientMessage.evaluation.metrics: repeated message MetricsEntry",
    "ClientMessage.evaluation.metrics.key: string",
    "ClientMessage.evaluation.metrics.value: double",
    // Why a task was given up; a fixed sentence of the SDK or the trainer's.
    "ClientMessage.task_failed: message TaskFailed",
    "ClientMessage.task_failed.task_token: bytes",
    "ClientMessage.task_failed.message: string",
    // Secure aggregation: public keys, signatures and commitments; shares of
    // its own secrets sealed for its peers; of peers' secrets, one share each.
    "ClientMessage.secure: message SecureClientMessage",
    "ClientMessage.secure.task_token: bytes",
    "ClientMessage.secure.advertisement: message SecureAdvertisement",
    "ClientMessage.secure.advertisement.mask_key: bytes",
    "ClientMessage.secure.advertisement.channel_key: bytes",
    "ClientMessage.secure.advertisement.choice: bytes",
    "ClientMessage.secure.advertisement.credential: bytes",
    "ClientMessage.secure.advertisement.signature: bytes",
    "ClientMessage.secure.opening: message SecureOpening",
    "ClientMessage.secure.opening.choice: bytes",
    "ClientMessage.secure.key_shares: message SecureKeyShares",
    "ClientMessage.secure.key_shares.self_mask: bytes",
    "ClientMessage.secure.key_shares.shares: repeated message "
    "SecureSealedShares",
    "ClientMessage.secure.key_shares.shares.peer: uint32",
    "ClientMessage.secure.key_shares.shares.sealed: bytes",
    "ClientMessage.secure.key_shares.shares.mask_key_commitment: bytes",
    "ClientMessage.secure.key_shares.shares.self_mask_commitment: bytes",
    "ClientMessage.secure.masked_input: message SecureMaskedInput",
    "ClientMessage.secure.masked_input.unreadable: repeated uint32",
    "ClientMessage.secure.agreement: message SecureAgreement",
    "ClientMessage.secure.agreement.signature: bytes",
    "ClientMessage.secure.unmasking: message SecureUnmasking",
    "ClientMessage.secure.unmasking.shares: repeated message "
    "SecureRevealedShare",
    "ClientMessage.secure.unmasking.shares.owner: uint32",
    "ClientMessage.secure.unmasking.shares.share: bytes",
    // The update itself: the encoded delta, of exactly the announced size.
    "UploadMessage.header: message UploadHeader",
    "UploadMessage.header.task_token: bytes",
    "UploadMessage.header.offset: uint64",
    "UploadMessage.data: bytes",
    // Which model a client asks for.
    "FetchModelRequest.sha256: bytes",
    "FetchModelRequest.offset: uint64",
};

void Walk(const Descriptor& descriptor, const std::string& path,
          std::set<std::string>& found) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto& field = *descriptor.field(i);
    const std::string name = path + "." + std::string(field.name());
    std::string line = name + ": ";
    if (field.is_repeated()) line += "repeated ";
    line += std::string(field.type_name());
    if (field.message_type() != nullptr) {
      line += " " + std::string(field.message_type()->name());
    }
    if (field.enum_type() != nullptr) {
      line += " " + std::string(field.enum_type()->name());
    }
    // A type that is met again would be walked for ever; it would also be a new
    // line, and so fail.
    if (found.insert(line).second && field.message_type() != nullptr &&
        found.size() < 1'000) {
      Walk(*field.message_type(), name, found);
    }
  }
}

std::string Missing(const std::set<std::string>& from,
                    const std::set<std::string>& in) {
  std::string lines;
  for (const std::string& line : from) {
    if (!in.contains(line)) lines += line + "\n";
  }
  return lines;
}

TEST_CASE("no field of what a client sends can carry an example") {
  std::set<std::string> found;
  // All that Federation takes from a client, whatever its methods are named.
  const auto& service =
      *v1::ClientMessage::descriptor()->file()->FindServiceByName("Federation");
  for (int i = 0; i < service.method_count(); ++i) {
    const Descriptor& input = *service.method(i)->input_type();
    Walk(input, std::string(input.name()), found);
  }
  INFO("in the schema but not in the list:\n" << Missing(found, kMayLeave));
  INFO("in the list but not in the schema:\n" << Missing(kMayLeave, found));
  CHECK(found == kMayLeave);
}

}  // namespace
}  // namespace tributary
