// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/checkpoint/script.h"

#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "coordinator/checkpoint/snapshot.h"

namespace tributary::checkpoint {
namespace {

using round::Duration;

[[noreturn]] void Fail(const std::string& what) {
  throw std::runtime_error("transcript: " + what);
}

Duration ReadDuration(const std::string& text) {
  std::size_t end = 0;
  const long long count = std::stoll(text, &end);
  const std::string unit = text.substr(end);
  if (unit == "ms") return std::chrono::milliseconds(count);
  if (unit == "s") return std::chrono::seconds(count);
  if (unit == "h") return std::chrono::hours(count);
  Fail("no duration: " + text);
}

round::ModelId ReadModel(const std::string& text) {
  const std::string prefix = "model-";
  if (!text.starts_with(prefix)) Fail("no model: " + text);
  return round::ModelNamed(std::stoi(text.substr(prefix.size())));
}

round::Refusal ReadRefusal(const std::string& text) {
  for (int value = 0; value <= 22; ++value) {
    const auto refusal = static_cast<round::Refusal>(value);
    if (round::Name(refusal) == text) return refusal;
  }
  Fail("no refusal: " + text);
}

round::Sampling ReadSampling(const std::string& text) {
  if (text == "poisson") return round::Sampling::kPoisson;
  if (text == "fixed_size") return round::Sampling::kFixedSize;
  Fail("no sampling: " + text);
}

// "c08..c11" is c08 c09 c10 c11: one letter, then digits.
std::vector<std::string> ReadClients(const std::string& word) {
  const auto dots = word.find("..");
  if (dots == std::string::npos) return {word};
  const std::string first = word.substr(0, dots);
  const std::string last = word.substr(dots + 2);
  if (first.size() != last.size() || first[0] != last[0]) {
    Fail("no range: " + word);
  }
  std::vector<std::string> clients;
  for (int i = std::stoi(first.substr(1)); i <= std::stoi(last.substr(1));
       ++i) {
    std::string number = std::to_string(i);
    number.insert(0, first.size() - 1 - number.size(), '0');
    clients.push_back(first[0] + number);
  }
  return clients;
}

// "ann,c1..c3"
std::vector<std::string> ReadList(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    for (auto& client : ReadClients(word)) all.push_back(client);
  }
  return all;
}

// "3.1"
std::pair<int, int> ReadAttempt(const std::string& text) {
  const auto dot = text.find('.');
  if (dot == std::string::npos) Fail("no attempt: " + text);
  return {std::stoi(text), std::stoi(text.substr(dot + 1))};
}

round::Given GivenOf(const std::map<std::string, std::string>& settings) {
  round::Given given;
  for (const auto& [key, value] : settings) {
    if (key == "round") {
      std::tie(given.round, given.attempt) = ReadAttempt(value);
    } else if (key == "time_left") {
      given.time_left = ReadDuration(value);
    } else {
      Fail("a task has no " + key);
    }
  }
  return given;
}

}  // namespace

std::string Script::Play(const std::string& text) {
  Script script;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(' ')) continue;  // told before
    script.told_ += line + "\n";
    if (!line.empty() && line[0] != '#') script.Perform(line);
  }
  return script.told_;
}

void Script::Perform(const std::string& line) {
  std::istringstream in(line);
  Words words;
  Settings settings;
  for (std::string word; in >> word;) {
    const auto equals = word.find('=');
    if (equals != std::string::npos) {
      settings[word.substr(0, equals)] = word.substr(equals + 1);
    } else {
      words.push_back(word);
    }
  }
  if (words[0] == "run") {
    StartRun(settings);
    return;
  }
  if (words.size() < 2) Fail("what happens? " + line);
  run_.SetTime(ReadDuration(words[0]));
  Words clients;
  for (std::size_t i = 2; i < words.size(); ++i) {
    for (auto& client : ReadClients(words[i])) clients.push_back(client);
  }
  Act(words[1], clients, settings);
  TellWakeUp();
}

void Script::StartRun(const Settings& settings) {
  round::Options options = round::RoundFixture::SmallRounds();
  const auto secure = [&options]() -> round::SecureOptions& {
    options.packed = true;
    if (!options.secure) options.secure.emplace();
    return *options.secure;
  };
  const auto asynchronous = [&options]() -> round::AsynchronousOptions& {
    if (!options.asynchronous) options.asynchronous.emplace();
    return *options.asynchronous;
  };
  const auto tree = [&options]() -> round::TreeOptions& {
    if (!options.tree) options.tree.emplace();
    return *options.tree;
  };
  for (const auto& [key, value] : settings) {
    if (key == "cohort_size") {
      options.cohort_size = std::stoi(value);
    } else if (key == "over_selection") {
      options.over_selection = std::stod(value);
    } else if (key == "min_updates") {
      options.min_updates = std::stoi(value);
    } else if (key == "deadline") {
      options.deadline = ReadDuration(value);
    } else if (key == "selection_timeout") {
      options.selection_timeout = ReadDuration(value);
    } else if (key == "retry_backoff") {
      options.retry_backoff = ReadDuration(value);
    } else if (key == "max_attempts") {
      options.max_attempts = std::stoi(value);
    } else if (key == "rounds") {
      options.rounds = std::stoi(value);
    } else if (key == "evaluate_every") {
      options.evaluate_every = std::stoi(value);
    } else if (key == "evaluation_deadline") {
      options.evaluation_deadline = ReadDuration(value);
    } else if (key == "stop_metric") {
      options.stop_metric = value;
    } else if (key == "stop_target") {
      options.stop_target = std::stod(value);
    } else if (key == "step_deadline") {
      secure().step_deadline = ReadDuration(value);
    } else if (key == "min_cohort") {
      secure().min_cohort = std::stoi(value);
    } else if (key == "dropped") {
      secure().dropped = std::stod(value);
    } else if (key == "sampling") {
      options.sampling = ReadSampling(value);
    } else if (key == "population") {
      options.population = std::stoi(value);
    } else if (key == "least_waiting") {
      options.least_waiting = std::stoi(value);
    } else if (key == "clip_norm") {
      options.packed = true;
      options.clip_norm = std::stod(value);
    } else if (key == "max_debits") {
      options.max_debits = std::stoi(value);
    } else if (key == "concurrency") {
      asynchronous().concurrency = std::stoi(value);
    } else if (key == "staleness_exponent") {
      asynchronous().staleness_exponent = std::stod(value);
    } else if (key == "max_staleness") {
      asynchronous().max_staleness = std::stoi(value);
    } else if (key == "mixing_rate") {
      asynchronous().mixing_rate = std::stod(value);
    } else if (key == "strikes") {
      if (!options.quarantine) options.quarantine.emplace();
      options.quarantine->strikes = std::stoi(value);
    } else if (key == "quarantine_rounds") {
      if (!options.quarantine) options.quarantine.emplace();
      options.quarantine->rounds = std::stoi(value);
    } else if (key == "aggregators") {
      tree().aggregators = std::stoi(value);
    } else if (key == "leaves_each") {
      tree().leaves_each = std::stoi(value);
    } else if (key == "deadline_share") {
      options.parent = round::ParentOptions{std::stod(value)};
    } else if (key == "max_weight") {
      options.max_weight = static_cast<std::uint32_t>(std::stoul(value));
    } else {
      Fail("no option: " + key);
    }
  }
  if (options.asynchronous) options.min_updates = options.cohort_size;
  if (!options.Validate().ok()) Fail(std::string(options.Validate().message()));
  run_.StartRunWith(options);
  wakes_at_.reset();
}

void Script::Act(const std::string& verb, const Words& clients,
                 const Settings& settings) {
  if (verb == "tick") {
    run_.Happens(round::Tick{});
  } else if (verb == "stop") {
    run_.Stops();
  } else if (verb == "model") {
    run_.Happens(MadeOf(settings));
  } else if (verb == "task") {
    run_.TaskIsGiven(GivenOf(settings));
  } else if (verb == "over") {
    const auto [round, attempt] = ReadAttempt(settings.at("round"));
    run_.TaskIsOver(round, attempt);
  } else if (verb == "session") {
    run_.SessionAnswers();
  } else if (verb == "restart") {
    auto state = DecodeState(EncodeState(run_.state()));
    if (!state.ok()) Fail(state.status().ToString());
    run_.Resume(*std::move(state));
    run_.Happens(round::Restarted{});
  } else {
    if (clients.empty()) Fail("who? " + verb);
    for (const auto& client : clients) {
      ActAs(verb, client, settings);
      Tell();
    }
    return;
  }
  Tell();
}

void Script::ActAs(const std::string& verb, const std::string& client,
                   const Settings& settings) {
  if (verb == "check-in") {
    run_.ChecksIn(client);
  } else if (verb == "evaluator") {
    run_.EvaluatorChecksIn(client);
  } else if (verb == "aggregator") {
    const auto epoch = settings.find("epoch");
    run_.AggregatorChecksIn(
        client, epoch == settings.end() ? 1 : std::stoull(epoch->second));
  } else if (verb == "leave") {
    run_.Leaves(client);
  } else if (verb == "announce") {
    run_.Announces(client, SentOf(settings));
  } else if (verb == "return") {
    run_.Returns(client, SentOf(settings));
  } else if (verb == "fail") {
    run_.Fails(client);
  } else if (verb == "revoke") {
    run_.IsRevoked(client);
  } else if (verb == "answer") {
    run_.Answers(client);
  } else if (verb == "evaluate") {
    round::Metrics metrics;
    for (const auto& [name, value] : settings) metrics[name] = std::stod(value);
    run_.Evaluates(client, metrics);
  } else {
    Fail("no verb: " + verb);
  }
}

round::ModelReleased Script::MadeOf(const Settings& settings) const {
  const int round = run_.state().round;
  // An aggregator's is the one that it was given.
  round::ModelReleased made{round, run_.state().round_seed
                                       ? run_.state().model
                                       : round::ModelNamed(round)};
  for (const auto& [key, value] : settings) {
    if (key == "clip_norm") {
      made.next_clip_norm = std::stod(value);
    } else if (key == "examples" || key == "loss") {
      if (!made.aggregates) made.aggregates.emplace();
      if (key == "examples") {
        made.aggregates->examples = std::stoull(value);
      } else {
        made.aggregates->train_loss = std::stod(value);
      }
    } else if (key == "outlier") {
      made.outliers = {round::ClientId{value}};
    } else {
      Fail("a model has no " + key);
    }
  }
  return made;
}

round::Sent Script::SentOf(const Settings& settings) const {
  round::Sent sent;
  for (const auto& [key, value] : settings) {
    if (key == "weight") {
      sent.weight = static_cast<std::uint32_t>(std::stoul(value));
    } else if (key == "loss") {
      sent.train_loss = std::stod(value);
    } else if (key == "base") {
      sent.base_model = ReadModel(value);
    } else if (key == "leaves") {
      sent.leaves = ReadList(value);
    } else if (key == "epoch") {
      sent.epoch = std::stoull(value);
    } else if (key == "defect") {
      sent.defect = ReadRefusal(value);
    } else if (key == "token") {
      const auto at = value.find('@');
      const auto dot = value.find('.', at);
      if (at == std::string::npos || dot == std::string::npos) {
        sent.token = run_.TokenOf(value);
      } else {
        sent.token =
            run_.TokenOf(value.substr(0, at), std::stoi(value.substr(at + 1)),
                         std::stoi(value.substr(dot + 1)));
      }
    } else {
      Fail("an update has no " + key);
    }
  }
  return sent;
}

void Script::Tell() {
  for (const auto& effect : run_.effects()) {
    if (std::holds_alternative<round::WakeAt>(effect)) continue;
    told_ += "  " + round::Text(effect) + "\n";
  }
}

void Script::TellWakeUp() {
  const auto wakes_at = run_.WakesAt();
  if (wakes_at == wakes_at_) return;
  wakes_at_ = wakes_at;
  told_ += wakes_at ? "  wake at " + round::Text(*wakes_at) + "\n"
                    : "  no wake-up\n";
}

}  // namespace tributary::checkpoint
