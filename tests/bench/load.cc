// SPDX-License-Identifier: Apache-2.0
// tributary-bench-load: many clients in one process, over plain gRPC stubs, one
// connection each. It obeys lines on standard input and answers with a line:
//
//   tributary-bench-load ADDRESS FOLDER CLIENTS FLOATS
//     FOLDER   holds ca.pem and each client's load-N.pem and load-N.key; "-"
//     for
//              plaintext
//   connect    every client joins                        -> connected
//   round      every client (of the first N: "round N") checks in and gets a
//              task                                      -> ready
//   upload     all return their update; 0 verdicts missing -> done ACCEPTED
//   drop       all upload at once without a task, 8 at a time -> done CLIENTS
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <semaphore>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tributary/v1/federation.grpc.pb.h"
#include "xxhash.h"

namespace {

namespace v1 = tributary::v1;

constexpr std::size_t kChunk = 1u << 20;
constexpr int kCredits = 8;
constexpr int kStarters = 16;

std::string ReadFile(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(
    const std::string& folder, std::size_t number) {
  if (folder == "-") return grpc::InsecureChannelCredentials();
  const std::string stem = folder + "/load-" + std::to_string(number);
  return grpc::SslCredentials({ReadFile(folder + "/ca.pem"),
                               ReadFile(stem + ".key"),
                               ReadFile(stem + ".pem")});
}

// One update, cut into messages; all clients send the same.
struct Update {
  explicit Update(std::size_t floats) {
    std::string bytes(floats * sizeof(float), '\0');
    for (std::size_t i = 0; i < floats; ++i) {
      const float value =
          static_cast<float>(static_cast<int>(i * 2654435761u % 2001) - 1000) /
          2000.0f;
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    size = bytes.size();
    checksum = XXH3_64bits(bytes.data(), bytes.size());
    for (std::size_t at = 0; at < size; at += kChunk) {
      v1::UploadMessage message;
      message.set_data(bytes.substr(at, kChunk));
      messages.push_back(std::move(message));
    }
  }
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
  std::vector<v1::UploadMessage> messages;
};

class Client {
 public:
  Client(const std::string& address,
         const std::shared_ptr<grpc::ChannelCredentials>& credentials,
         int number)
      : name_("load-" + std::to_string(number)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt("bench.channel", number);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
    stub_ = v1::Federation::NewStub(channel_);
  }

  bool Join() {
    // As a client does, it takes no notice of a first attempt that fails:
    // gRPC 1.51 may take one for failed that is under way.
    channel_->WaitForConnected(std::chrono::system_clock::now() +
                               std::chrono::seconds(10));
    stream_ = stub_->Join(&context_);
    v1::ClientMessage message;
    message.mutable_hello()->set_min_wire_version(1);
    message.mutable_hello()->set_max_wire_version(1);
    message.mutable_hello()->set_population("bench");
    message.mutable_hello()->set_client_name(name_);
    v1::ServerMessage answer;
    if (stream_->Write(message) && stream_->Read(&answer) &&
        answer.has_welcome()) {
      return true;
    }
    context_.TryCancel();
    const grpc::Status status = stream_->Finish();
    std::fprintf(stderr, "%s did not join: %s (%d)\n", name_.c_str(),
                 status.error_message().c_str(), status.error_code());
    return false;
  }

  // Checks in until there is a task.
  bool AwaitTask() {
    v1::ClientMessage message;
    message.mutable_check_in();
    if (!stream_->Write(message)) return false;
    v1::ServerMessage answer;
    while (stream_->Read(&answer)) {
      if (answer.has_task()) {
        task_ = answer.task();
        return true;
      }
      if (answer.has_come_back()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (!stream_->Write(message)) return false;
      }
    }
    return false;
  }

  bool Return(const Update& update) {
    v1::ClientMessage message;
    v1::UpdateHeader& header =
        *message.mutable_update_ready()->mutable_header();
    header.set_task_token(task_.task_token());
    header.set_encoding(v1::UpdatePlan::FLOAT32);
    header.set_size(update.size);
    header.set_checksum(update.checksum);
    header.set_weight(10);
    header.set_base_model(task_.model());
    header.set_train_loss(0.5);
    if (!stream_->Write(message)) return false;
    v1::ServerMessage answer;
    while (stream_->Read(&answer)) {
      if (answer.has_upload_grant()) {
        if (!Send(update, task_.task_token())) {
          std::fprintf(stderr, "an upload failed\n");
        }
      } else if (answer.has_verdict()) {
        if (!answer.verdict().accepted()) {
          std::fprintf(stderr, "refused: %s\n",
                       answer.verdict().ShortDebugString().c_str());
        }
        return answer.verdict().accepted();
      } else if (answer.has_cancel()) {
        return false;
      }
    }
    return false;
  }

  bool Send(const Update& update, const std::string& token) {
    grpc::ClientContext context;
    v1::UploadReply reply;
    const auto writer = stub_->UploadUpdate(&context, &reply);
    v1::UploadMessage header;
    header.mutable_header()->set_task_token(token);
    bool ok = writer->Write(header);
    for (const v1::UploadMessage& message : update.messages) {
      ok = ok && writer->Write(message);
    }
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    if (!status.ok()) {
      std::fprintf(stderr, "upload: %s\n", status.error_message().c_str());
    }
    return status.ok();
  }

 private:
  std::string name_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Federation::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>>
      stream_;
  v1::Task task_;
};

// Calls it for the first `count` clients on `threads` threads; how many said
// yes.
template <typename Act>
int ForEach(std::vector<std::unique_ptr<Client>>& clients, std::size_t count,
            std::size_t threads, const Act& act) {
  std::atomic<int> good = 0;
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) {
        if (act(*clients[at])) ++good;
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  const std::string address = argv[1];
  const std::string folder = argv[2];
  const std::size_t count = std::stoul(argv[3]);
  const Update update(std::stoul(argv[4]));
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(
        address, CredentialsOf(folder, i), static_cast<int>(i)));
  }
  std::size_t active = count;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    int good = 0;
    if (word == "connect") {
      good = ForEach(clients, count, kStarters,
                     [](Client& client) { return client.Join(); });
      std::printf("connected %d\n", good);
    } else if (word == "round") {
      if (!(words >> active)) active = count;
      good = ForEach(clients, active, active,
                     [](Client& client) { return client.AwaitTask(); });
      std::printf("ready %d\n", good);
    } else if (word == "upload") {
      good = ForEach(clients, active, active,
                     [&](Client& client) { return client.Return(update); });
      std::printf("done %d\n", good);
    } else if (word == "drop") {
      good = ForEach(clients, count, kCredits, [&](Client& client) {
        return client.Send(update, std::string(16, 'd'));
      });
      std::printf("done %d\n", good);
    }
    std::fflush(stdout);
  }
  std::_Exit(0);
}
