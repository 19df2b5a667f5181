// SPDX-License-Identifier: Apache-2.0
#include "proto/codec/yaml_document.h"

#include <exception>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace tributary::codec {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxNodes = 20'000;

// Events into a tree. Throws ParserException, as the library itself does, to
// end the parsing where something is refused.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Add(Make(YamlNode::Kind::kNull, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    RefuseTag(mark, tag);
    YamlNode node = Make(YamlNode::Kind::kScalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    Add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t, YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t, YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMapping, mark, tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw YAML::ParserException(mark, "tags are not supported");
    }
  }
  YamlNode Make(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kMaxNodes) {
      throw YAML::ParserException(
          mark, absl::StrCat("more than ", kMaxNodes, " values"));
    }
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    return node;
  }
  void Open(YamlNode::Kind kind, const YAML::Mark& mark,
            const std::string& tag) {
    RefuseTag(mark, tag);
    if (open_.size() >= kMaxDepth) {
      throw YAML::ParserException(
          mark, absl::StrCat("nested deeper than ", kMaxDepth, " levels"));
    }
    open_.push_back(Make(kind, mark));
  }
  void Close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    Add(std::move(node));
  }
  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    YamlNode& parent = open_.back();
    // The library sees that a value is missing only on a later line.
    if (node.kind == YamlNode::Kind::kNull &&
        parent.kind == YamlNode::Kind::kMapping &&
        parent.items.size() % 2 == 1) {
      node.line = parent.items.back().line;
    }
    parent.items.push_back(std::move(node));
  }

  YamlNode root_;
  std::vector<YamlNode> open_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::variant<YamlNode, Problem> ParseYamlDocument(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return Problem{"", absl::StrCat("has ", text.size(), " bytes, more than ",
                                    kMaxYamlBytes)};
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    YamlNode root = builder.TakeRoot();
    if (TreeBuilder rest; parser.HandleNextDocument(rest)) {
      return Problem{"", "holds more than one document", rest.TakeRoot().line};
    }
    return root;
  } catch (const YAML::Exception& error) {
    return Problem{"", error.msg, error.mark.line + 1};
  } catch (const std::exception& error) {
    return Problem{"", error.what()};
  }
}

}  // namespace tributary::codec
