// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/program.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "coordinator/ctl/commands.h"
#include "proto/command_line/read.h"

#ifndef TRIBUTARY_VERSION
#define TRIBUTARY_VERSION "unknown"
#endif

namespace tributary::ctl {
namespace {

// What the command line fills in, and the command it chose.
struct Choice {
  bool json = false;
  ConnectionOptions connection;
  std::function<ExitCode(Session&)> run;

  std::string name;
  std::string folder;
  std::string file;
  std::string target;
  std::string weights;
  std::string population;
  std::uint32_t round = 0;
  int days = 365;
  bool replace = false;
  AlternativeNames names;
  SignCommand sign;
  PrivacyQuestion privacy;
  PlannedRunQuestion planned;
  LedgerQuestion ledger;
  std::string sampling = "poisson";
  std::string neighbours;
  std::string accountant;
};

void AddPki(CLI::App& app, Choice& choice) {
  auto& pki = *app.add_subcommand(
      "pki", "an authority of your own: certificates for mutual TLS");
  pki.require_subcommand(1);

  auto& init = *pki.add_subcommand("init", "make an authority in a folder");
  init.add_option("FOLDER", choice.folder, "folder to make")->required();
  choice.name = "Tributary authority";
  init.add_option("--name", choice.name, "name of the authority")
      ->capture_default_str();
  init.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiInit(session, choice.folder, choice.name);
    };
  });

  auto& request = *pki.add_subcommand(
      "request", "make a key and a request; the key stays where it is made");
  request.add_option("NAME", choice.target, "name to ask for")->required();
  request
      .add_option("--out", choice.folder, "folder for NAME.key and NAME.csr")
      ->required();
  request.add_option("--san", choice.names.dns,
                     "host name others connect to (coordinators)");
  request.add_option("--ip", choice.names.addresses,
                     "address others connect to (coordinators)");
  request.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiRequest(session, choice.target, choice.folder, choice.names);
    };
  });

  auto& sign = *pki.add_subcommand("sign", "sign a request");
  sign.add_option("REQUEST", choice.sign.request, "the .csr file")->required();
  sign.add_option("--pki", choice.sign.pki, "folder of the authority")
      ->required();
  sign.add_option("--role", choice.sign.grant.role, "what it may do")
      ->required()
      ->check(CLI::IsMember(
          {"trainer", "evaluator", "aggregator", "operator", "coordinator"}));
  sign.add_option("--population", choice.sign.grant.populations,
                  "population it may take part in (default: any)");
  sign.add_option("--days", choice.days, "days until it expires")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  sign.add_option("--out", choice.sign.out,
                  "certificate to write (default: beside the request)");
  sign.add_flag("--replace", choice.replace,
                "issue another to a name that holds one (rotation)");
  sign.callback([&choice] {
    choice.sign.grant.validity = std::chrono::days(choice.days);
    choice.sign.reissue = choice.replace ? Reissue::kReplace : Reissue::kRefuse;
    choice.run = [&choice](Session& session) {
      return PkiSign(session, choice.sign);
    };
  });

  auto& revoke = *pki.add_subcommand("revoke", "revoke certificates");
  revoke
      .add_option("CERTIFICATE", choice.target,
                  "a certificate file, a name or a serial")
      ->required();
  revoke.add_option("--pki", choice.folder, "folder of the authority")
      ->required();
  revoke.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiRevoke(session, choice.target, choice.folder);
    };
  });
}

void AddRun(CLI::App& app, Choice& choice) {
  auto& run = *app.add_subcommand("run", "submit and follow runs");
  run.require_subcommand(1);

  auto& submit = *run.add_subcommand("submit", "check a plan and start a run");
  submit.add_option("PLAN", choice.file, "the plan, a YAML file")->required();
  submit.add_option("--weights", choice.weights,
                    "first weights, a safetensors file (default: the plan's "
                    "model.weights)");
  submit.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return RunSubmit(session, choice.file, choice.weights);
    };
  });
  run.add_subcommand("list", "all runs, newest first")->callback([&choice] {
    choice.run = [](Session& session) { return RunList(session); };
  });
  const auto add = [&](const char* name, const char* text,
                       ExitCode (*command)(Session&, const std::string&)) {
    auto& one = *run.add_subcommand(name, text);
    one.add_option("RUN", choice.target, "name of the run")->required();
    one.callback([&choice, command] {
      choice.run = [&choice, command](Session& session) {
        return command(session, choice.target);
      };
    });
  };
  add("show", "where a run stands, its rounds and what was refused", RunShow);
  add("watch", "follow a run until it ends; Ctrl-C leaves it going", RunWatch);
  add("stop", "end a run", RunStop);
}

void AddRest(CLI::App& app, Choice& choice) {
  auto& model = *app.add_subcommand("model", "released models");
  model.require_subcommand(1);
  auto& get = *model.add_subcommand("get", "fetch a model as safetensors");
  get.add_option("RUN", choice.target, "name of the run")->required();
  get.add_option("--round", choice.round, "round (default: the latest)");
  get.add_option("--out", choice.file, "file to write")->required();
  get.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return ModelGet(session, choice.target, choice.round, choice.file);
    };
  });

  auto& clients = *app.add_subcommand("clients", "clients the coordinator met");
  clients.require_subcommand(1);
  auto& list = *clients.add_subcommand("list", "all of them, by name");
  list.add_option("--population", choice.population, "of this one only");
  list.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return ClientsList(session, choice.population);
    };
  });
}

void AddLedger(CLI::App& privacy, Choice& choice) {
  LedgerQuestion& question = choice.ledger;
  const char* const file_text =
      "ledger that a simulation wrote (default: the coordinator's)";
  auto& report = *privacy.add_subcommand(
      "report", "what was spent, by run, population and client");
  report.add_option("FILE", question.file, file_text);
  report.add_option("--run", question.run, "of this run alone");
  report.add_option("--population", question.population,
                    "of this population alone");
  report.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PrivacyReported(session, choice.ledger);
    };
  });
  auto& verify = *privacy.add_subcommand(
      "verify", "whether the ledger is as it was written; fails if it is not");
  verify.add_option("FILE", question.file, file_text);
  verify.add_option("--head", question.head,
                    "hash noted before, which an entry must have");
  verify.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PrivacyVerified(session, choice.ledger);
    };
  });
}

// The question without a plan.
void AddQuestion(CLI::App& plan, Choice& choice) {
  PrivacyQuestion& question = choice.privacy;
  plan.add_option("--delta", question.delta,
                  "below 1 / population; a tenth of that is usual");
  plan.add_option("--rounds", question.rounds, "rounds of the run");
  plan.add_option("--cohort", question.cohort,
                  "clients in a round (with Poisson sampling: on average)");
  plan.add_option("--population", question.population,
                  "clients that a cohort is drawn from");
  plan.add_option("--epsilon", question.epsilon, "target, over all rounds");
  plan.add_option("--noise-multiplier", question.noise_multiplier,
                  "in place of --epsilon: standard deviation of the noise on "
                  "the sum, in clip norms");
  plan.add_option("--sampling", choice.sampling,
                  "how a cohort is drawn: poisson, fixed-size, or none (who is "
                  "in it is no secret)")
      ->check(CLI::IsMember({"poisson", "fixed-size", "none"}))
      ->capture_default_str();
  plan.add_option("--neighbours", choice.neighbours,
                  "what an onlooker must not tell apart (default: "
                  "add-or-remove-one; replace-one for fixed-size, and for "
                  "none with a cohort below the population)")
      ->check(CLI::IsMember({"add-or-remove-one", "replace-one"}));
  plan.add_option("--accountant", choice.accountant,
                  "pld (tight) or rdp (default: pld where it can)")
      ->check(CLI::IsMember({"pld", "rdp"}));
}

ExitCode AskQuestion(Session& session, Choice& choice) {
  PrivacyQuestion& asked = choice.privacy;
  asked.parameters = choice.planned.parameters;
  asked.sampling = choice.sampling == "poisson"      ? dp::Sampling::kPoisson
                   : choice.sampling == "fixed-size" ? dp::Sampling::kFixedSize
                                                     : dp::Sampling::kNone;
  if (!choice.neighbours.empty()) {
    asked.neighbours = choice.neighbours == "replace-one"
                           ? dp::Neighbours::kReplaceOne
                           : dp::Neighbours::kAddOrRemoveOne;
  }
  if (!choice.accountant.empty()) {
    asked.accountant = choice.accountant == "pld" ? dp::Accountant::kPld
                                                  : dp::Accountant::kRdp;
  }
  return PrivacyPlanned(session, asked);
}

void AddPrivacy(CLI::App& app, Choice& choice) {
  auto& privacy = *app.add_subcommand("privacy", "differential privacy");
  privacy.require_subcommand(1);
  AddLedger(privacy, choice);
  auto& plan = *privacy.add_subcommand(
      "plan",
      "what a plan's rounds will cost, whatever noise it has; or, without a "
      "plan, the noise on the sum that an epsilon needs, or the epsilon of a "
      "noise");
  AddQuestion(plan, choice);
  PlannedRunQuestion& planned = choice.planned;
  CLI::Option* const file =
      plan.add_option("PLAN", planned.plan,
                      "plan file, in place of the options that ask without it");
  for (const char* other :
       {"--delta", "--rounds", "--cohort", "--population", "--epsilon",
        "--noise-multiplier", "--sampling", "--neighbours", "--accountant"}) {
    file->excludes(plan.get_option(other));
  }
  plan.add_option("--parameters", planned.parameters,
                  "parameters of the model: to see the noise's norm, and for a "
                  "PLAN that has no weights yet")
      ->check(CLI::NonNegativeNumber);
  plan.add_option("--weights", planned.weights,
                  "of a PLAN: its first weights, if it does not name them")
      ->needs(file);
  plan.add_option("--set", planned.settings,
                  "of a PLAN: KEY=VALUE in place of what it says; may be "
                  "repeated")
      ->needs(file)
      ->allow_extra_args(false);
  plan.callback([&choice, &plan] {
    if (!choice.planned.plan.empty()) {
      choice.run = [&choice](Session& session) {
        return PrivacyOfPlan(session, choice.planned);
      };
      return;
    }
    for (const char* needed :
         {"--delta", "--rounds", "--cohort", "--population"}) {
      if (plan.get_option(needed)->count() == 0) {
        throw CLI::RequiredError(std::string(needed) + ", or a PLAN,");
      }
    }
    choice.run = [&choice](Session& session) {
      return AskQuestion(session, choice);
    };
  });
}

// Options of the whole program are taken after a command too.
void LetFallThrough(CLI::App& app) {
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    sub->fallthrough();
    LetFallThrough(*sub);
  }
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err, Style style) {
  CLI::App app("The operator's command of a Tributary coordinator",
               "tributaryctl");
  app.require_subcommand(1);
  Choice choice;
  app.add_flag("--json", choice.json, "JSON instead of tables");
  app.add_option("--admin", choice.connection.admin,
                 "the coordinator's admin_listen address")
      ->envname("TRIBUTARY_ADMIN")
      ->capture_default_str();
  app.add_option("--ca", choice.connection.ca, "authority to trust (PEM)")
      ->envname("TRIBUTARY_CA");
  app.add_option("--cert", choice.connection.cert,
                 "the operator's certificate (PEM)")
      ->envname("TRIBUTARY_CERT");
  app.add_option("--key", choice.connection.key, "its key (PEM)")
      ->envname("TRIBUTARY_KEY");
  app.add_flag("--insecure", choice.connection.insecure,
               "plaintext, to a coordinator on loopback");
  AddPki(app, choice);
  AddRun(app, choice);
  AddRest(app, choice);
  AddPrivacy(app, choice);
  LetFallThrough(app);

  if (const auto code =
          command_line::Read(app, TRIBUTARY_VERSION, arguments, out, err)) {
    return *code;
  }
  Session session{out, err, style, choice.json ? Format::kJson : Format::kHuman,
                  choice.connection};
  const ExitCode code = choice.run(session);
  if (code.ok()) return *code;
  err << "tributaryctl: " << code.status().message() << std::endl;
  return command_line::kFailure;
}

}  // namespace tributary::ctl
