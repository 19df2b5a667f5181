// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "proto/codec/problem.h"
#include "proto/codec/safetensors.h"

namespace tributary::codec {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMaxTensors = 65'536;
constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxNameBytes = 256;
constexpr char kMetadataKey[] = "__metadata__";
constexpr char kBuffersKey[] = "tributary.buffers";
constexpr char kAuxiliaryKey[] = "tributary.auxiliary";

struct Entry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

// The header's JSON as it is read. A tree parser would let a repeated key
// replace the one before and build whatever it is fed; this one knows the only
// shape there is and stops at the first thing else.
class HeaderReader final : public json::json_sax_t {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string error;

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::kStart:
        place_ = Place::kTop;
        return true;
      case Place::kTopValue:
        if (top_key_ == kMetadataKey) {
          place_ = Place::kMetadata;
        } else {
          entries.push_back({top_key_, {}, {}, {}});
          place_ = Place::kTensor;
        }
        return true;
      default:
        return Refuse("an object where none belongs");
    }
  }
  bool end_object() override {
    place_ = place_ == Place::kTop ? Place::kEnd : Place::kTop;
    return true;
  }
  bool key(string_t& name) override {
    switch (place_) {
      case Place::kTop:
        if (!names_.insert(name).second) {
          return Refuse("a tensor " + Quoted(name) + " given twice");
        }
        if (names_.size() > kMaxTensors + 1) {
          return Refuse("more than 65,536 tensors");
        }
        top_key_ = name;
        place_ = Place::kTopValue;
        return true;
      case Place::kMetadata:
        if (metadata.contains(name)) {
          return Refuse("metadata " + Quoted(name) + " given twice");
        }
        key_ = name;
        place_ = Place::kMetadataValue;
        return true;
      default:
        return TensorKey(name);
    }
  }
  bool string(string_t& text) override {
    if (place_ == Place::kMetadataValue) {
      metadata.emplace(key_, text);
      place_ = Place::kMetadata;
      return true;
    }
    if (place_ != Place::kTensorValue || key_ != "dtype") {
      return Refuse("a text where none belongs");
    }
    entries.back().dtype = text;
    place_ = Place::kTensor;
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ != Place::kTensorValue || key_ == "dtype") {
      return Refuse("a list where none belongs");
    }
    (key_ == "shape" ? entries.back().shape : entries.back().offsets).emplace();
    place_ = Place::kArray;
    return true;
  }
  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (place_ != Place::kArray) return Refuse("a number where none belongs");
    Entry& entry = entries.back();
    auto& list = key_ == "shape" ? *entry.shape : *entry.offsets;
    if (list.size() == kMaxDimensions) {
      return Refuse(Quoted(entry.name) + " with more than 8 " + key_);
    }
    list.push_back(number);
    return true;
  }
  bool number_integer(number_integer_t) override {
    return Refuse("a negative number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return Refuse("a number that is not whole");
  }
  bool boolean(bool) override { return Refuse("a boolean"); }
  bool null() override { return Refuse("null"); }
  bool binary(binary_t&) override { return Refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const json::exception&) override {
    error =
        absl::StrCat("the header is no JSON at byte ", kLengthBytes + position);
    return false;
  }

 private:
  enum class Place {
    kStart,
    kTop,
    kTopValue,
    kMetadata,
    kMetadataValue,
    kTensor,
    kTensorValue,
    kArray,
    kEnd,
  };

  bool Refuse(const std::string& what) {
    error = "the header holds " + what;
    if (!top_key_.empty()) error += " (in " + Quoted(top_key_) + ")";
    return false;
  }
  bool TensorKey(const std::string& name) {
    const Entry& entry = entries.back();
    const bool known =
        name == "dtype" || name == "shape" || name == "data_offsets";
    if (!known) return Refuse("an unknown key " + Quoted(name));
    if ((name == "dtype" && entry.dtype) || (name == "shape" && entry.shape) ||
        (name == "data_offsets" && entry.offsets)) {
      return Refuse(Quoted(name) + " twice");
    }
    key_ = name;
    place_ = Place::kTensorValue;
    return true;
  }

  Place place_ = Place::kStart;
  std::string top_key_;
  std::string key_;
  std::set<std::string> names_;
};

absl::Status Bad(const Entry& entry, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("tensor ", Quoted(entry.name), ": ", what));
}

absl::Status CheckEntry(const Entry& entry, std::uint64_t data_size) {
  if (entry.name.empty() || entry.name.size() > kMaxNameBytes) {
    return Bad(entry, "the name has no or more than 256 bytes");
  }
  if (!entry.dtype) return Bad(entry, "has no dtype");
  if (!entry.shape) return Bad(entry, "has no shape");
  if (!entry.offsets || entry.offsets->size() != 2) {
    return Bad(entry, "data_offsets is not a pair");
  }
  if (*entry.dtype != "F32") {
    return Bad(entry, absl::StrCat("has dtype ", Quoted(*entry.dtype),
                                   "; only F32 is read"));
  }
  const std::uint64_t begin = (*entry.offsets)[0];
  const std::uint64_t end = (*entry.offsets)[1];
  if (begin > end || end > data_size) {
    return Bad(entry, absl::StrCat("data_offsets [", begin, ", ", end,
                                   "] do not lie in the ", data_size,
                                   " bytes of data"));
  }
  unsigned __int128 floats = 1;
  for (const std::uint64_t extent : *entry.shape) {
    if (extent > (std::uint64_t{1} << 34)) return Bad(entry, "is too large");
    floats *= extent;
    if (floats > (std::uint64_t{1} << 34)) return Bad(entry, "is too large");
  }
  if (floats * sizeof(float) != end - begin) {
    return Bad(entry,
               absl::StrCat("its shape needs ",
                            static_cast<std::uint64_t>(floats) * sizeof(float),
                            " bytes, data_offsets give ", end - begin));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<std::string>> NamesIn(
    const std::map<std::string, std::string>& metadata, const char* key) {
  std::set<std::string> names;
  const auto found = metadata.find(key);
  if (found == metadata.end()) return names;
  const auto bad = absl::InvalidArgumentError(
      absl::StrCat("metadata ", key, " is not a JSON list of distinct names"));
  // Its depth is checked while it is read, so nothing deep is ever built.
  const auto flat = [](int depth, json::parse_event_t, json&) {
    return depth <= 1;
  };
  const json list = json::parse(found->second, flat, false);
  if (!list.is_array()) return bad;
  for (const json& name : list) {
    if (!name.is_string() || !names.insert(name.get<std::string>()).second) {
      return bad;
    }
  }
  return names;
}

absl::Status CheckAllFound(const std::set<std::string>& names,
                           const char* key) {
  if (names.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("metadata ", key, " names ",
                                                 Quoted(*names.begin()),
                                                 ", which is no tensor"));
}

absl::StatusOr<Manifest> ToManifest(const std::vector<Entry>& entries,
                                    std::set<std::string> buffers,
                                    std::set<std::string> auxiliary,
                                    std::uint64_t data_size) {
  for (const Entry& entry : entries) {
    if (auto status = CheckEntry(entry, data_size); !status.ok()) return status;
  }
  std::vector<const Entry*> in_order;
  for (const Entry& entry : entries) in_order.push_back(&entry);
  // Empty tensors share their offset with the one that follows.
  std::stable_sort(
      in_order.begin(), in_order.end(),
      [](const Entry* a, const Entry* b) { return *a->offsets < *b->offsets; });
  std::uint64_t position = 0;
  std::vector<TensorSpec> tensors;
  tensors.reserve(entries.size());
  for (const Entry* placed : in_order) {
    const Entry& entry = *placed;
    const std::uint64_t begin = (*entry.offsets)[0];
    if (begin != position) {
      return Bad(entry, absl::StrCat("starts at byte ", begin, " of the data, ",
                                     begin > position ? "after a gap from "
                                                      : "within the tensor "
                                                        "that ends at ",
                                     position));
    }
    position = (*entry.offsets)[1];
    TensorSpec spec;
    spec.name = entry.name;
    spec.shape.assign(entry.shape->begin(), entry.shape->end());
    spec.auxiliary = auxiliary.erase(entry.name) > 0;
    spec.trainable = buffers.erase(entry.name) == 0 && !spec.auxiliary;
    tensors.push_back(std::move(spec));
  }
  if (position != data_size) {
    return absl::InvalidArgumentError(absl::StrCat("the tensors end at byte ",
                                                   position, " of ", data_size,
                                                   " bytes of data"));
  }
  if (auto status = CheckAllFound(buffers, kBuffersKey); !status.ok()) {
    return status;
  }
  if (auto status = CheckAllFound(auxiliary, kAuxiliaryKey); !status.ok()) {
    return status;
  }
  Manifest manifest(std::move(tensors));
  if (auto status = manifest.Validate(); !status.ok()) return status;
  return manifest;
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    std::span<const std::byte> bytes, std::uint64_t file_size) {
  if (file_size < kLengthBytes || bytes.size() < kLengthBytes) {
    return absl::InvalidArgumentError(
        "not a safetensors file: shorter than 8 bytes");
  }
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) {
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  if (length > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a safetensors file: a header of ", length,
                     " bytes; at most ", kMaxHeaderBytes, " are read"));
  }
  if (length > file_size - kLengthBytes ||
      length > bytes.size() - kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the header of ", length, " bytes is cut short"));
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;
  HeaderReader reader;
  if (length == 0 || text[0] != '{') {
    return absl::InvalidArgumentError(
        "not a safetensors file: no '{' at byte 8");
  }
  if (!json::sax_parse(text, text + length, &reader)) {
    return absl::InvalidArgumentError(reader.error);
  }
  SafetensorsHeader header;
  header.data_offset = kLengthBytes + length;
  header.data_size = file_size - header.data_offset;
  auto buffers = NamesIn(reader.metadata, kBuffersKey);
  if (!buffers.ok()) return buffers.status();
  auto auxiliary = NamesIn(reader.metadata, kAuxiliaryKey);
  if (!auxiliary.ok()) return auxiliary.status();
  auto manifest = ToManifest(reader.entries, *std::move(buffers),
                             *std::move(auxiliary), header.data_size);
  if (!manifest.ok()) return manifest.status();
  header.manifest = *std::move(manifest);
  header.metadata = std::move(reader.metadata);
  return header;
}

std::string FormatSafetensorsHeader(
    const Manifest& manifest,
    const std::map<std::string, std::string>& metadata) {
  const auto quote = [](const std::string& text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  std::map<std::string, std::string> all = metadata;
  json buffers = json::array();
  json auxiliary = json::array();
  for (const TensorSpec& tensor : manifest.tensors()) {
    if (tensor.auxiliary) {
      auxiliary.push_back(tensor.name);
    } else if (!tensor.trainable) {
      buffers.push_back(tensor.name);
    }
  }
  // What the manifest says wins over what the metadata said.
  const auto set_names = [&all](const char* key, const json& names) {
    all.erase(key);
    if (names.empty()) return;
    all[key] = names.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  set_names(kBuffersKey, buffers);
  set_names(kAuxiliaryKey, auxiliary);
  std::string text = "{";
  if (!all.empty()) {
    absl::StrAppend(&text, "\"", kMetadataKey, "\":{");
    for (const auto& [key, value] : all) {
      absl::StrAppend(&text, text.back() == '{' ? "" : ",", quote(key), ":",
                      quote(value));
    }
    text += '}';
  }
  std::uint64_t position = 0;
  for (const TensorSpec& tensor : manifest.tensors()) {
    const std::uint64_t end = position + tensor.Size() * sizeof(float);
    absl::StrAppend(&text, text.size() == 1 ? "" : ",", quote(tensor.name),
                    ":{\"dtype\":\"F32\",\"shape\":[");
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ",", tensor.shape[i]);
    }
    absl::StrAppend(&text, "],\"data_offsets\":[", position, ",", end, "]}");
    position = end;
  }
  text += '}';
  // So that the data starts aligned.
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(kLengthBytes, '\0');
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
  }
  return length + text;
}

}  // namespace tributary::codec
