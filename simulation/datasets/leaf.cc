// SPDX-License-Identifier: Apache-2.0
#include "simulation/datasets/leaf.h"

#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/data/field.h"
#include "client/data/files.h"
#include "nlohmann/json.hpp"

namespace tributary::datasets {
namespace {

using nlohmann::json;

// ALL_LETTERS of LEAF's models/utils/language_utils.py.
constexpr std::string_view kLetters =
    "\n !\"&'(),-.0123456789:;>?ABCDEFGHIJKLMNOPQRSTUVWXYZ[]"
    "abcdefghijklmnopqrstuvwxyz}";
static_assert(kLetters.size() == 80);

// What an object or a list is, by where it stands. Others are skipped.
enum class Place {
  kRoot,      // the outermost object
  kUsers,     // "users"
  kCounts,    // "num_samples"
  kUserData,  // "user_data"
  kUser,      // an object within it
  kExamples,  // "x"
  kExample,   // a list within it
  kLabels,    // "y"
  kSkipped,
};

// Takes the file as events, so that no tree of it is built.
class LeafHandler final : public nlohmann::json_sax<json> {
 public:
  LeafHandler(Owners& owners, Examples& examples)
      : owners_(owners), examples_(examples) {}

  const std::string& error() const { return error_; }
  // Empty, or what the ends of the lists do not agree on.
  std::string Disagreement() const;

  bool null() override { return Scalar("null"); }
  bool boolean(bool) override { return Scalar("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Number(value);
  }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return Scalar("binary"); }
  bool start_object(std::size_t) override;
  bool key(string_t& value) override {
    key_ = value;
    return true;
  }
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& reason) override {
    return Fail(
        absl::StrCat("byte ", position, ": expected JSON: ", reason.what()));
  }

 private:
  Place At() const {
    return places_.empty() ? Place::kSkipped : places_.back();
  }
  bool Enter(Place place) {
    if (places_.size() == kDeepest) return Fail("is nested too deeply");
    places_.push_back(place);
    return true;
  }
  bool Fail(std::string reason) {
    if (error_.empty()) error_ = std::move(reason);
    return false;
  }
  bool FailInUser(const std::string& reason) {
    return Fail(absl::StrCat("user ", data::Quote(user_), ", example ",
                             lengths_ended_, ": ", reason));
  }
  bool Number(double value);
  bool Scalar(const char* what);
  bool AddFeature(double value);
  bool AddLabel(double value);
  bool EndExample();
  bool EndUser();

  static constexpr std::size_t kDeepest = 64;

  Owners& owners_;
  Examples& examples_;
  std::string error_;
  std::vector<Place> places_;
  std::string key_;
  std::string user_;
  std::vector<float> labels_;       // of the user at hand
  std::size_t lengths_ended_ = 0;   // its examples so far
  std::size_t example_begin_ = 0;   // where the example at hand begins
  std::size_t example_length_ = 0;  // of the first of all; 0: none yet
  std::vector<std::string> users_;
  std::vector<double> counts_;
  std::map<std::string, std::size_t> found_;
};

bool LeafHandler::Number(double value) {
  switch (At()) {
    case Place::kExample:
      return AddFeature(value);
    case Place::kExamples:  // an example of one number
      example_begin_ = examples_.data.features.size();
      return AddFeature(value) && EndExample();
    case Place::kLabels:
      return AddLabel(value);
    case Place::kCounts:
      counts_.push_back(value);
      return true;
    default:
      return Scalar("a number");
  }
}

bool LeafHandler::Scalar(const char* what) {
  switch (At()) {
    case Place::kSkipped:
      return !places_.empty() ||
             Fail(absl::StrCat("expected an object, found ", what));
    case Place::kRoot:
      if (key_ != "users" && key_ != "num_samples" && key_ != "user_data") {
        return true;
      }
      return Fail(
          absl::StrCat(key_, ": expected a list or an object, found ", what));
    case Place::kUser:
      if (key_ != "x" && key_ != "y") return true;
      return FailInUser(absl::StrCat(key_, ": expected a list, found ", what));
    case Place::kExample:
    case Place::kExamples:
    case Place::kLabels:
      return FailInUser(
          absl::StrCat("expected a number or a text, found ", what));
    case Place::kUsers:
      return Fail(absl::StrCat("users: expected names, found ", what));
    case Place::kCounts:
      return Fail(absl::StrCat("num_samples: expected numbers, found ", what));
    case Place::kUserData:
      return Fail(absl::StrCat("user ", data::Quote(key_),
                               ": expected an object of x and y, found ",
                               what));
  }
  return true;
}

bool LeafHandler::string(string_t& value) {
  const auto index_of = [&](char c) { return kLetters.find(c); };
  switch (At()) {
    case Place::kUsers:
      users_.push_back(value);
      return true;
    case Place::kExamples:
      example_begin_ = examples_.data.features.size();
      for (const char c : value) {
        if (index_of(c) == std::string_view::npos) {
          return FailInUser(
              absl::StrCat("expected LEAF's 80 characters, found ",
                           data::Quote(std::string_view(&c, 1))));
        }
        if (!AddFeature(static_cast<double>(index_of(c)))) return false;
      }
      return EndExample();
    case Place::kLabels:
      if (value.size() != 1 || index_of(value[0]) == std::string_view::npos) {
        return Fail(absl::StrCat(
            "user ", data::Quote(user_), ", label ", labels_.size(),
            ": expected a number or one of LEAF's 80 characters, found ",
            data::Quote(value)));
      }
      return AddLabel(static_cast<double>(index_of(value[0])));
    default:
      return Scalar("a text");
  }
}

bool LeafHandler::AddFeature(double value) {
  const auto feature = static_cast<float>(value);
  if (!std::isfinite(feature)) {
    return FailInUser("expected finite numbers within float32");
  }
  examples_.data.features.push_back(feature);
  return true;
}

bool LeafHandler::AddLabel(double value) {
  const auto label = static_cast<float>(value);
  if (!std::isfinite(label)) {
    return Fail(absl::StrCat("user ", data::Quote(user_), ", label ",
                             labels_.size(),
                             ": expected a finite number within float32"));
  }
  labels_.push_back(label);
  return true;
}

bool LeafHandler::EndExample() {
  const std::size_t length = examples_.data.features.size() - example_begin_;
  // The first example of all files says how long the others are.
  if (example_length_ == 0 && !examples_.data.example_shape.empty()) {
    example_length_ = examples_.data.ExampleLength();
  }
  if (example_length_ == 0) {
    if (length == 0) return FailInUser("expected features, found none");
    example_length_ = length;
    examples_.data.example_shape = {static_cast<std::int64_t>(length)};
  }
  if (length != example_length_) {
    return FailInUser(absl::StrCat("expected ", example_length_,
                                   " features, as in the first example; "
                                   "found ",
                                   length));
  }
  ++lengths_ended_;
  return true;
}

bool LeafHandler::EndUser() {
  if (lengths_ended_ != labels_.size()) {
    return Fail(
        absl::StrCat("user ", data::Quote(user_), ": expected ", lengths_ended_,
                     " labels, one for each example; found ", labels_.size()));
  }
  if (!found_.emplace(user_, labels_.size()).second) {
    return Fail(absl::StrCat("user ", data::Quote(user_), " is given twice"));
  }
  if (!labels_.empty()) {
    examples_.owner.insert(examples_.owner.end(), labels_.size(),
                           owners_.IndexOf(user_));
  }
  examples_.data.targets.insert(examples_.data.targets.end(), labels_.begin(),
                                labels_.end());
  labels_.clear();
  lengths_ended_ = 0;
  return true;
}

bool LeafHandler::start_object(std::size_t) {
  if (places_.empty()) return Enter(Place::kRoot);
  switch (At()) {
    case Place::kRoot:
      if (key_ == "user_data") return Enter(Place::kUserData);
      return key_ == "users" || key_ == "num_samples" ? Scalar("an object")
                                                      : Enter(Place::kSkipped);
    case Place::kUserData:
      user_ = key_;
      return Enter(Place::kUser);
    case Place::kUser:
      return key_ == "x" || key_ == "y" ? Scalar("an object")
                                        : Enter(Place::kSkipped);
    case Place::kSkipped:
      return Enter(Place::kSkipped);
    default:
      return Scalar("an object");
  }
}

bool LeafHandler::end_object() {
  const Place ended = At();
  places_.pop_back();
  return ended == Place::kUser ? EndUser() : true;
}

bool LeafHandler::start_array(std::size_t) {
  switch (At()) {
    case Place::kRoot:
      if (key_ == "users") return Enter(Place::kUsers);
      if (key_ == "num_samples") return Enter(Place::kCounts);
      return key_ == "user_data" ? Scalar("a list") : Enter(Place::kSkipped);
    case Place::kUser:
      if (key_ == "x") return Enter(Place::kExamples);
      return Enter(key_ == "y" ? Place::kLabels : Place::kSkipped);
    case Place::kExamples:
      example_begin_ = examples_.data.features.size();
      return Enter(Place::kExample);
    case Place::kSkipped:
      return places_.empty() ? Scalar("a list") : Enter(Place::kSkipped);
    default:
      return Scalar("a list");
  }
}

bool LeafHandler::end_array() {
  const Place ended = At();
  places_.pop_back();
  return ended == Place::kExample ? EndExample() : true;
}

std::string LeafHandler::Disagreement() const {
  if (found_.empty()) return "user_data: expected users, found none";
  if (users_.size() != counts_.size()) {
    return absl::StrCat("num_samples: expected ", users_.size(),
                        " numbers, one for each of users; found ",
                        counts_.size());
  }
  for (std::size_t i = 0; i < users_.size(); ++i) {
    const auto user = found_.find(users_[i]);
    if (user == found_.end()) {
      return absl::StrCat("user_data: expected user ", data::Quote(users_[i]),
                          ", as users says; found none");
    }
    if (static_cast<double>(user->second) != counts_[i]) {
      return absl::StrCat("user ", data::Quote(users_[i]), ": expected ",
                          counts_[i], " examples, as num_samples says; found ",
                          user->second);
    }
  }
  if (users_.size() < found_.size()) {
    return absl::StrCat("users: expected ", found_.size(),
                        " names, one for each of user_data; found ",
                        users_.size());
  }
  return {};
}

// The characters of a source, as nlohmann's parser takes them.
class Characters {
 public:
  explicit Characters(data::ByteSource& source) : source_(source) {}

  // Moves to the next; false at the end or when reading failed.
  bool Next() {
    if (++at_ < count_) return true;
    if (!status_.ok()) return false;
    at_ = 0;
    count_ = 0;
    const auto count = source_.Read(chunk_);
    if (!count.ok()) status_ = count.status();
    if (count.ok()) count_ = *count;
    return count_ > 0;
  }
  char Get() const { return static_cast<char>(chunk_[at_]); }
  const absl::Status& status() const { return status_; }

 private:
  data::ByteSource& source_;
  std::vector<std::uint8_t> chunk_ = std::vector<std::uint8_t>(1 << 16);
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  absl::Status status_;
};

class CharacterIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CharacterIterator() = default;  // the end
  explicit CharacterIterator(Characters& characters)
      : characters_(&characters) {
    ++*this;
  }
  char operator*() const { return characters_->Get(); }
  CharacterIterator& operator++() {
    if (!characters_->Next()) characters_ = nullptr;
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(const CharacterIterator&) const = default;

 private:
  Characters* characters_ = nullptr;
};

}  // namespace

absl::Status AppendLeaf(data::ByteSource& source, Owners& owners,
                        Examples& examples) {
  Characters characters(source);
  LeafHandler handler(owners, examples);
  const bool is_whole = json::sax_parse(CharacterIterator(characters),
                                        CharacterIterator(), &handler);
  // What cannot be read to its end looks like bad JSON.
  if (!characters.status().ok()) return characters.status();
  const std::string reason =
      is_whole ? handler.Disagreement() : handler.error();
  if (reason.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(source.Name(), ": ", reason));
}

absl::StatusOr<Examples> Read(const v1::DataSource::Leaf& source) {
  const auto files = data::FileOrFolder(source.path(), ".json");
  if (!files.ok()) return files.status();
  Examples examples;
  Owners owners(examples);
  for (const std::filesystem::path& file : *files) {
    auto bytes = data::OpenFile(file);
    if (!bytes.ok()) return bytes.status();
    const absl::Status status = AppendLeaf(**bytes, owners, examples);
    if (!status.ok()) return status;
  }
  if (examples.data.targets.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source.path(), ": expected examples, found none"));
  }
  if (source.shape_size() == 0) return examples;
  const std::size_t length = examples.data.ExampleLength();
  examples.data.example_shape.assign(source.shape().begin(),
                                     source.shape().end());
  if (examples.data.ExampleLength() != length) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shape: holds ", examples.data.ExampleLength(),
        " features, an example of ", source.path(), " has ", length));
  }
  return examples;
}

}  // namespace tributary::datasets
