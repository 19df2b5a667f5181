// SPDX-License-Identifier: Apache-2.0
#include "coordinator/ctl/program.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "CLI/CLI.hpp"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/terminal.h"

#ifndef TRIBUTARY_VERSION
#define TRIBUTARY_VERSION "unknown"
#endif

namespace tributary::ctl {
namespace {

constexpr int kExitUsage = 2;

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
  std::string sampling = "poisson";
  std::string neighbours;
  std::string accountant;
};

void AddPki(CLI::App& app, Choice& choice) {
  auto& pki = *app.add_subcommand(
      "pki", "An authority of your own: certificates for mutual TLS");
  pki.require_subcommand(1);

  auto& init = *pki.add_subcommand("init", "Make an authority in a folder");
  init.add_option("folder", choice.folder, "Folder to make")->required();
  choice.name = "Tributary authority";
  init.add_option("--name", choice.name, "Name of the authority")
      ->capture_default_str();
  init.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiInit(session, choice.folder, choice.name);
    };
  });

  auto& request = *pki.add_subcommand(
      "request", "Make a key and a request; the key stays where it is made");
  request.add_option("name", choice.target, "Name to ask for")->required();
  request
      .add_option("--out", choice.folder, "Folder for NAME.key and NAME.csr")
      ->required();
  request.add_option("--san", choice.names.dns,
                     "Host name others connect to (coordinators)");
  request.add_option("--ip", choice.names.addresses,
                     "Address others connect to (coordinators)");
  request.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiRequest(session, choice.target, choice.folder, choice.names);
    };
  });

  auto& sign = *pki.add_subcommand("sign", "Sign a request");
  sign.add_option("request", choice.sign.request, "The .csr file")->required();
  sign.add_option("--pki", choice.sign.pki, "Folder of the authority")
      ->required();
  sign.add_option("--role", choice.sign.grant.role,
                  "trainer, evaluator, operator or coordinator")
      ->required()
      ->check(
          CLI::IsMember({"trainer", "evaluator", "operator", "coordinator"}));
  sign.add_option("--population", choice.sign.grant.populations,
                  "Population it may take part in (default: any)");
  sign.add_option("--days", choice.days, "Days until it expires")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  sign.add_option("--out", choice.sign.out,
                  "Certificate to write (default: beside the request)");
  sign.add_flag("--replace", choice.replace,
                "Issue another to a name that holds one (rotation)");
  sign.callback([&choice] {
    choice.sign.grant.validity = std::chrono::days(choice.days);
    choice.sign.reissue = choice.replace ? Reissue::kReplace : Reissue::kRefuse;
    choice.run = [&choice](Session& session) {
      return PkiSign(session, choice.sign);
    };
  });

  auto& revoke = *pki.add_subcommand("revoke", "Revoke certificates");
  revoke
      .add_option("certificate", choice.target,
                  "A certificate file, a name or a serial")
      ->required();
  revoke.add_option("--pki", choice.folder, "Folder of the authority")
      ->required();
  revoke.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return PkiRevoke(session, choice.target, choice.folder);
    };
  });
}

void AddRun(CLI::App& app, Choice& choice) {
  auto& run = *app.add_subcommand("run", "Submit and follow runs");
  run.require_subcommand(1);

  auto& submit = *run.add_subcommand("submit", "Check a plan and start a run");
  submit.add_option("plan", choice.file, "The plan, a YAML file")->required();
  submit.add_option("--weights", choice.weights,
                    "First weights, a safetensors file (default: the plan's "
                    "model.weights)");
  submit.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return RunSubmit(session, choice.file, choice.weights);
    };
  });
  run.add_subcommand("list", "All runs, newest first")->callback([&choice] {
    choice.run = [](Session& session) { return RunList(session); };
  });
  const auto add = [&](const char* name, const char* text,
                       ExitCode (*command)(Session&, const std::string&)) {
    auto& one = *run.add_subcommand(name, text);
    one.add_option("run", choice.target, "Name of the run")->required();
    one.callback([&choice, command] {
      choice.run = [&choice, command](Session& session) {
        return command(session, choice.target);
      };
    });
  };
  add("show", "Where a run stands, its rounds and what was refused", RunShow);
  add("watch", "Follow a run until it ends; Ctrl-C leaves it going", RunWatch);
  add("stop", "End a run", RunStop);
}

void AddRest(CLI::App& app, Choice& choice) {
  auto& model = *app.add_subcommand("model", "Released models");
  model.require_subcommand(1);
  auto& get = *model.add_subcommand("get", "Fetch a model as safetensors");
  get.add_option("run", choice.target, "Name of the run")->required();
  get.add_option("--round", choice.round, "Round (default: the latest)");
  get.add_option("--out", choice.file, "File to write")->required();
  get.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return ModelGet(session, choice.target, choice.round, choice.file);
    };
  });

  auto& clients = *app.add_subcommand("clients", "Clients the coordinator met");
  clients.require_subcommand(1);
  auto& list = *clients.add_subcommand("list", "All of them, by name");
  list.add_option("--population", choice.population, "Of this one only");
  list.callback([&choice] {
    choice.run = [&choice](Session& session) {
      return ClientsList(session, choice.population);
    };
  });
}

void AddPrivacy(CLI::App& app, Choice& choice) {
  auto& privacy = *app.add_subcommand("privacy", "Differential privacy");
  privacy.require_subcommand(1);
  auto& plan = *privacy.add_subcommand(
      "plan",
      "The noise that an epsilon needs, or the epsilon of a noise, and what it "
      "costs. Arithmetic only: no run adds noise yet");
  PrivacyQuestion& question = choice.privacy;
  plan.add_option("--epsilon", question.epsilon, "Target, over all rounds");
  plan.add_option("--noise-multiplier", question.noise_multiplier,
                  "In place of --epsilon: standard deviation of the noise on "
                  "the sum, in clip norms");
  plan.add_option("--delta", question.delta,
                  "Below 1 / population; a tenth of that is usual")
      ->required();
  plan.add_option("--rounds", question.rounds, "Rounds of the run")->required();
  plan.add_option("--cohort", question.cohort,
                  "Clients in a round (with Poisson sampling: on average)")
      ->required();
  plan.add_option("--population", question.population,
                  "Clients that a cohort is drawn from")
      ->required();
  plan.add_option("--sampling", choice.sampling,
                  "How a cohort is drawn: poisson, fixed-size, or none (who is "
                  "in it is no secret)")
      ->check(CLI::IsMember({"poisson", "fixed-size", "none"}))
      ->capture_default_str();
  plan.add_option("--neighbours", choice.neighbours,
                  "What an onlooker must not tell apart (default: "
                  "add-or-remove-one; replace-one for fixed-size)")
      ->check(CLI::IsMember({"add-or-remove-one", "replace-one"}));
  plan.add_option("--accountant", choice.accountant,
                  "pld (tight) or rdp (default: pld where it can)")
      ->check(CLI::IsMember({"pld", "rdp"}));
  plan.add_option("--parameters", question.parameters,
                  "Parameters of the model, to see the noise's norm");
  plan.callback([&choice] {
    choice.run = [&choice](Session& session) {
      PrivacyQuestion& asked = choice.privacy;
      asked.sampling = choice.sampling == "poisson" ? dp::Sampling::kPoisson
                       : choice.sampling == "fixed-size"
                           ? dp::Sampling::kFixedSize
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
  app.set_version_flag("--version", "tributaryctl " TRIBUTARY_VERSION);
  app.require_subcommand(1);
  Choice choice;
  app.add_flag("--json", choice.json, "JSON instead of tables");
  app.add_option("--admin", choice.connection.admin,
                 "The coordinator's admin_listen address")
      ->envname("TRIBUTARY_ADMIN")
      ->capture_default_str();
  app.add_option("--ca", choice.connection.ca, "Authority to trust (PEM)")
      ->envname("TRIBUTARY_CA");
  app.add_option("--cert", choice.connection.cert,
                 "The operator's certificate (PEM)")
      ->envname("TRIBUTARY_CERT");
  app.add_option("--key", choice.connection.key, "Its key (PEM)")
      ->envname("TRIBUTARY_KEY");
  app.add_flag("--insecure", choice.connection.insecure,
               "Plaintext, to a coordinator on loopback");
  AddPki(app, choice);
  AddRun(app, choice);
  AddRest(app, choice);
  AddPrivacy(app, choice);
  LetFallThrough(app);

  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::RequiredError& error) {
    // "A subcommand is required" hides the word that is none.
    const std::vector<std::string> unknown = app.remaining(true);
    if (!unknown.empty()) {
      const std::string word = Shown(unknown.front());
      err << "tributaryctl: \"" << word << "\" is no "
          << (word.starts_with('-') ? "option" : "command") << " here\n";
    }
    app.exit(error, out, err);
    return kExitUsage;
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : kExitUsage;
  }
  Session session{out, err, style, choice.json ? Format::kJson : Format::kHuman,
                  choice.connection};
  const ExitCode code = choice.run(session);
  if (code.ok()) return *code;
  err << "tributaryctl: " << code.status().message() << std::endl;
  return 1;
}

}  // namespace tributary::ctl
