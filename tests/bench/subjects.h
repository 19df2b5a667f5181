// SPDX-License-Identifier: Apache-2.0
// What the benchmarks run: a coordinator, a receive-and-drop server, a load of
// clients, each a process of its own, and a run to take part in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/bench/process.h"
#include "tests/coordinator/server/certificates.h"

namespace tributary::bench {

enum class Transport { kPlain, kTls };

// An authority, and certificates for a server, an operator and many clients in
// a folder.
class Certificates {
 public:
  explicit Certificates(int clients);
  std::string File(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  std::string folder() const { return folder_.path().string(); }

 private:
  testing::TemporaryFolder folder_;
};

struct Bench {
  std::filesystem::path programs;  // where the programs are
  Certificates certificates;
};

// A tributary-coordinator with a state folder of its own.
class CoordinatorSubject {
 public:
  CoordinatorSubject(const Bench& bench, Transport transport);
  // Submits a run of `clients` updates of `floats` parameters a round.
  void Submit(int clients, std::size_t floats);
  // Waits until the round's updates are folded and its model is out; how many
  // updates are in it.
  int AwaitRelease(int round);
  Process& process() { return *process_; }
  const std::string& address() const { return federation_; }

 private:
  const Bench& bench_;
  Transport transport_;
  testing::TemporaryFolder folder_;
  std::string log_;
  std::unique_ptr<Process> process_;
  std::string federation_;
  std::string admin_;
};

class DropSubject {
 public:
  DropSubject(const Bench& bench, Transport transport);
  Process& process() { return *process_; }
  const std::string& address() const { return address_; }

 private:
  std::unique_ptr<Process> process_;
  std::string address_;
};

// Clients of a server at this address.
std::unique_ptr<Process> StartLoad(const Bench& bench, Transport transport,
                                   const std::string& address, int clients,
                                   std::size_t floats);

// Tells the load to do something and checks that all clients could.
void Expect(Process& load, const std::string& order, const std::string& answer);

}  // namespace tributary::bench
