// SPDX-License-Identifier: Apache-2.0
// A whole session in memory: clients, the server, and who vanishes when. The
// words tests of secure aggregation are written in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "privacy/crypto/digest.h"
#include "privacy/secagg/client/client.h"
#include "privacy/secagg/identity.h"
#include "privacy/secagg/server/masked_sum.h"
#include "privacy/secagg/server/server.h"
#include "privacy/secagg/terms.h"

namespace tributary::secagg {

// Enrolled is who has a name and a key made of it: fast, and as good as
// certificates where nobody computes the key of another.
class TestSigner final : public Signer {
 public:
  explicit TestSigner(std::string name)
      : name_(std::move(name)), credential_("enrolled:" + name_) {}
  const std::string& credential() const override { return credential_; }
  absl::StatusOr<std::string> Sign(std::string_view statement) override {
    return SignatureOf(name_, statement);
  }
  static std::string SignatureOf(const std::string& name,
                                 std::string_view statement) {
    return Sha256("key of " + name + ":" + std::string(statement)).Hex();
  }

 private:
  std::string name_;
  std::string credential_;
};

class TestAuthority final : public Authority {
 public:
  absl::StatusOr<std::unique_ptr<Peer>> Identify(
      std::string_view credential) const override {
    if (!credential.starts_with("enrolled:")) {
      return absl::UnauthenticatedError("not enrolled");
    }
    return std::make_unique<TestPeer>(std::string(credential.substr(9)));
  }

 private:
  class TestPeer final : public Peer {
   public:
    explicit TestPeer(std::string name) : name_(std::move(name)) {}
    const std::string& name() const override { return name_; }
    absl::Status Verify(std::string_view statement,
                        std::string_view signature) const override {
      if (TestSigner::SignatureOf(name_, statement) == signature) {
        return absl::OkStatus();
      }
      return absl::UnauthenticatedError("not signed by it");
    }

   private:
    std::string name_;
  };
};

class MemorySessions final : public AnsweredSessions {
 public:
  absl::Status Remember(const Digest& session) override {
    if (answered.insert(session).second) return absl::OkStatus();
    return absl::AlreadyExistsError("answered already");
  }
  std::set<Digest> answered;
};

inline Terms SomeTerms(std::uint32_t clients, std::uint32_t length = 40) {
  Terms terms;
  terms.model.bytes.fill(1);
  terms.plan.bytes.fill(2);
  terms.run = "run";
  terms.round = 3;
  terms.attempt = 1;
  terms.length = length;
  terms.min_cohort = 4;
  terms.min_survivors = 2;
  terms.max_cohort = clients;
  return terms;
}

// Admits what SomeTerms may be made into.
inline Policy LenientPolicy() {
  Policy policy;
  policy.min_cohort = 4;
  policy.min_survivors = 2;
  policy.min_corrupt_per_mille = 0;
  policy.min_threshold_per_mille = 0;
  policy.adversary = Adversary::kSemiHonest;
  return policy;
}

// Who vanishes before which step; whoever has vanished stays away.
struct Vanished {
  std::set<std::size_t> advertising, opening, sharing, masking, agreeing,
      unmasking;
};

struct Released {
  std::vector<std::int64_t> sum;
  std::set<std::size_t> survivors;
};
using Result = std::variant<Released, Abandoned>;

class Cohort {
 public:
  struct Member {
    std::string name;
    std::unique_ptr<Signer> signer;
    std::unique_ptr<MemorySessions> answered =
        std::make_unique<MemorySessions>();
    std::optional<Client> client;
    std::vector<std::int64_t> input;
    std::vector<std::byte> masked;
    Index index = 0;
    Key choice{};  // opened
    bool is_there = true;
  };

  // Every client has the same terms and policy. Inputs are zero.
  Cohort(const Terms& own_terms, std::uint32_t clients,
         const Policy& policy = LenientPolicy());
  // With these signers, and the authority that vouches for them.
  Cohort(const Terms& own_terms, const Policy& policy,
         std::vector<std::unique_ptr<Signer>> signers, const Authority& pinned);

  Cohort(const Cohort&) = delete;
  Cohort& operator=(const Cohort&) = delete;

  // Up to the largest the terms allow, by the seed.
  void DrawInputs(std::uint64_t seed);
  // The plain sum of the inputs of these.
  std::vector<std::int64_t> PlainSum(const std::set<std::size_t>& of) const;

  // The steps, each up to its Close. They REQUIRE that all who are there are
  // taken, and that all clients agree to go on.
  void Advertise(const std::set<std::size_t>& vanished = {});
  std::optional<Abandoned> CloseAdvertising();
  void Open(const std::set<std::size_t>& vanished = {});
  std::optional<Abandoned> CloseOpening();
  void Share(const std::set<std::size_t>& vanished = {});
  std::optional<Abandoned> CloseSharing();
  void SendInputs(const std::set<std::size_t>& vanished = {});
  std::optional<Abandoned> CloseMasking();
  void Agree(const std::set<std::size_t>& vanished = {});
  std::optional<Abandoned> CloseAgreeing();
  void Unmask(const std::set<std::size_t>& vanished = {});
  // Also takes the masks off.
  Result CloseUnmasking();

  Result Run(const Vanished& vanished = {});
  // Everything up to and with a step, nobody vanishing.
  void RunToRoster();
  void RunToNeighbours();
  void RunToShares();
  void RunToInputs();
  void RunToAgreements();

  Member& operator[](std::size_t member) { return members[member]; }
  Member& AtIndex(Index index);
  std::set<std::size_t> Survivors() const;

  Terms terms;
  TestAuthority test_authority;
  const Authority* authority;
  std::vector<Member> members;
  std::optional<Server> server;
  std::optional<MaskedSum> sum;

 private:
  void Leave(const std::set<std::size_t>& vanished);
};

// A refusal's text, or "" for none.
template <typename T>
std::string ReasonOf(const absl::StatusOr<T>& result) {
  return std::string(result.status().message());
}

}  // namespace tributary::secagg
