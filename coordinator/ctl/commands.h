// SPDX-License-Identifier: Apache-2.0
// The commands, without their spelling (program.cc has that). Each prints what
// it did and returns the exit code, or why it could not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/ctl/authority.h"
#include "coordinator/ctl/planned_run.h"
#include "coordinator/ctl/privacy_plan.h"
#include "coordinator/ctl/session.h"

namespace tributary::ctl {

using ExitCode = absl::StatusOr<int>;
// The run ended otherwise than finished.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitInterrupted = 130;

ExitCode PkiInit(Session& session, const std::string& folder,
                 const std::string& name);
ExitCode PkiRequest(Session& session, const std::string& name,
                    const std::string& folder, const AlternativeNames& names);
struct SignCommand {
  std::string request;
  std::string pki;
  std::string out;  // empty: beside the request, .pem
  Grant grant;
  Reissue reissue = Reissue::kRefuse;
};
ExitCode PkiSign(Session& session, const SignCommand& command);
ExitCode PkiRevoke(Session& session, const std::string& target,
                   const std::string& pki);

// `weights`: a file in place of the plan's model.weights; may be empty.
ExitCode RunSubmit(Session& session, const std::string& plan,
                   const std::string& weights);
ExitCode RunList(Session& session);
ExitCode RunShow(Session& session, const std::string& run);
ExitCode RunWatch(Session& session, const std::string& run);
ExitCode RunStop(Session& session, const std::string& run);
// Round 0: the latest.
ExitCode ModelGet(Session& session, const std::string& run, std::uint32_t round,
                  const std::string& out);
ExitCode ClientsList(Session& session, const std::string& population);
// These need no coordinator.
ExitCode PrivacyPlanned(Session& session, const PrivacyQuestion& question);
ExitCode PrivacyOfPlan(Session& session, const PlannedRunQuestion& question);

struct LedgerQuestion {
  std::string file;        // empty: the coordinator's
  std::string head;        // verify: a hash that some entry must have
  std::string run;         // report: of this run alone
  std::string population;  // report: of this population alone
};
ExitCode PrivacyReported(Session& session, const LedgerQuestion& question);
// kExitFailed if the ledger is not whole.
ExitCode PrivacyVerified(Session& session, const LedgerQuestion& question);

}  // namespace tributary::ctl
