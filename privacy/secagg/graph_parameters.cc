// SPDX-License-Identifier: Apache-2.0
#include "privacy/secagg/graph_parameters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tributary::secagg {
namespace {

constexpr double kSecurityBits = 40;
constexpr double kCorrectnessBits = 20;
constexpr double kLn2 = 0.693147180559945309417;

// Logarithms of factorials up to that of n. std::lgamma writes a global.
class LogFactorials {
 public:
  explicit LogFactorials(std::uint32_t n) : values_(n + 1) {
    long double sum = 0;
    for (std::uint32_t i = 1; i <= n; ++i) {
      sum += std::log(static_cast<long double>(i));
      values_[i] = static_cast<double>(sum);
    }
  }
  // ln C(n, k); -infinity where there is no such choice.
  double Choices(std::int64_t n, std::int64_t k) const {
    if (k < 0 || k > n) return -std::numeric_limits<double>::infinity();
    return At(n) - At(k) - At(n - k);
  }

 private:
  double At(std::int64_t n) const {
    return values_[static_cast<std::size_t>(n)];
  }
  std::vector<double> values_;
};

// Pr[X = x] for the marked ones among k drawn of n, of which `marked` are.
double Hypergeometric(const LogFactorials& logs, std::int64_t n,
                      std::int64_t marked, std::int64_t k, std::int64_t x) {
  return std::exp(logs.Choices(marked, x) + logs.Choices(n - marked, k - x) -
                  logs.Choices(n, k));
}

// (i): two honest survivors that are no neighbours, all of whose neighbours are
// corrupt or gone, are less likely than 2^-(s+1).
bool IsConnected(const LogFactorials& logs, const CohortRisk& risk,
                 std::int64_t k) {
  const std::int64_t n = risk.clients;
  const std::int64_t lost = risk.Corrupt() + risk.Dropped();
  if (k > lost) return true;
  const double pairs =
      0.5 * static_cast<double>(n) * static_cast<double>(n - k - 1);
  return std::log(pairs) + logs.Choices(lost, k) - logs.Choices(n, k) <
         -(kSecurityBits + 1) * kLn2;
}

// (ii): no client has more corrupt neighbours than this, but for 2^-(s+1).
std::int64_t MostCorrupt(const LogFactorials& logs, const CohortRisk& risk,
                         std::int64_t k) {
  const double limit = std::exp(-(kSecurityBits + 1) * kLn2) / risk.clients;
  double tail = 0;
  std::int64_t most = std::min<std::int64_t>(risk.Corrupt(), k);
  for (; most > 0; --most) {
    tail += Hypergeometric(logs, risk.clients, risk.Corrupt(), k, most);
    if (tail >= limit) break;
  }
  return most;
}

// With this many shares in one hand there is one honest neighbour too few for
// the other secret: 2 t > k + corrupt.
std::int64_t MostUseless(std::int64_t corrupt, std::int64_t k,
                         Adversary adversary) {
  if (adversary == Adversary::kSemiHonest) return corrupt;
  return static_cast<std::int64_t>(
      std::ceil((static_cast<double>(corrupt + k) - 1.25) / 2));
}

// (iii): every client keeps at least this many neighbours, but for 2^-c.
std::int64_t FewestSurvivors(const LogFactorials& logs, const CohortRisk& risk,
                             std::int64_t k) {
  const double limit = std::exp(-kCorrectnessBits * kLn2) / risk.clients;
  const std::int64_t survivors = risk.clients - risk.Dropped();
  double below = 0;
  for (std::int64_t x = 0; x < k; ++x) {
    below += Hypergeometric(logs, risk.clients, survivors, k, x);
    if (below > limit) return x;
  }
  return k;
}

std::optional<absl::Status> Defect(const char* field, std::uint64_t value,
                                   std::uint64_t least, std::uint64_t most) {
  if (value >= least && value <= most) return std::nullopt;
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not in ", least, " .. ", most));
}

std::uint32_t Share(std::uint32_t clients, std::uint32_t per_mille) {
  return static_cast<std::uint32_t>(std::uint64_t{clients} * per_mille / 1000);
}

}  // namespace

std::uint32_t CohortRisk::Corrupt() const {
  return Share(clients, corrupt_per_mille);
}
std::uint32_t CohortRisk::Dropped() const {
  return Share(clients, dropped_per_mille);
}

absl::Status CohortRisk::Validate() const {
  if (auto defect = Defect("clients", clients, 3, kMaxCohort)) return *defect;
  if (auto defect = Defect("corrupt_per_mille", corrupt_per_mille, 0, 900)) {
    return *defect;
  }
  if (auto defect = Defect("dropped_per_mille", dropped_per_mille, 0, 900)) {
    return *defect;
  }
  const bool counts_twice = adversary == Adversary::kSemiMalicious;
  if (corrupt_per_mille + dropped_per_mille * (counts_twice ? 2 : 1) > 900) {
    return absl::InvalidArgumentError(absl::StrCat(
        "corrupt_per_mille ", corrupt_per_mille, " and ",
        counts_twice ? "twice " : "", "dropped_per_mille ", dropped_per_mille,
        " are more than 900 together: no threshold covers both"));
  }
  return absl::OkStatus();
}

absl::StatusOr<GraphParameters> SparseGraph(const CohortRisk& risk) {
  if (auto status = risk.Validate(); !status.ok()) return status;
  const LogFactorials logs(risk.clients);
  for (std::int64_t k = 2; k < risk.clients; k += 2) {
    if (!IsConnected(logs, risk, k)) continue;
    const std::int64_t useless =
        MostUseless(MostCorrupt(logs, risk, k), k, risk.adversary);
    if (FewestSurvivors(logs, risk, k) <= useless) continue;
    return GraphParameters{
        risk.adversary == Adversary::kSemiHonest ? GraphKind::kHarary
                                                 : GraphKind::kChosen,
        static_cast<std::uint32_t>(k),
        static_cast<std::uint32_t>(std::max<std::int64_t>(useless + 1, 2))};
  }
  return absl::NotFoundError(
      absl::StrCat("no sparse graph of ", risk.clients, " clients"));
}

absl::StatusOr<GraphParameters> ChooseGraph(const CohortRisk& risk) {
  if (auto status = risk.Validate(); !status.ok()) return status;
  if (risk.clients >= kSmallestSparseCohort) {
    const auto sparse = SparseGraph(risk);
    // Of those who choose, a client is the neighbour of whom it chose and of
    // whom it was chosen by.
    if (sparse.ok() && sparse->degree <= kMaxDegree &&
        sparse->degree * (sparse->kind == GraphKind::kChosen ? 2 : 1) <
            risk.clients - 1) {
      return sparse;
    }
  }
  if (risk.clients - 1 > kMaxDegree) {
    return absl::FailedPreconditionError(absl::StrCat(
        "no graph of ", risk.clients, " clients with at most ", kMaxDegree,
        " neighbours withstands ", risk.Corrupt(), " corrupt and ",
        risk.Dropped(), " dropped; plan for fewer"));
  }
  const std::int64_t degree = std::int64_t{risk.clients} - 1;
  const std::int64_t threshold = std::max<std::int64_t>(
      MostUseless(std::min<std::int64_t>(risk.Corrupt(), degree), degree,
                  risk.adversary) +
          1,
      2);
  // A survivor's shares are with the other survivors.
  if (degree - risk.Dropped() < threshold) {
    return absl::FailedPreconditionError(absl::StrCat(
        risk.clients, " clients of which ", risk.Corrupt(),
        " may be corrupt and ", risk.Dropped(), " may drop out: ", threshold,
        " of the other ", degree,
        " are needed to recover a secret; plan for fewer dropouts or a larger "
        "cohort"));
  }
  return GraphParameters{GraphKind::kComplete,
                         static_cast<std::uint32_t>(degree),
                         static_cast<std::uint32_t>(threshold)};
}

}  // namespace tributary::secagg
