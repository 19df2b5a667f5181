// SPDX-License-Identifier: Apache-2.0
#include "client/core/model_cache.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/codec/safetensors.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = 1u << 20;

absl::StatusOr<Digest> HashFile(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("no ", file.string()));
  Sha256Stream hash;
  std::vector<char> buffer(kReadBytes);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.Update(std::as_bytes(std::span<const char>(
        buffer.data(), static_cast<std::size_t>(in.gcount()))));
  }
  if (in.bad()) {
    return absl::UnavailableError(absl::StrCat("reading ", file.string()));
  }
  return hash.Finish();
}

}  // namespace

ModelCache::ModelCache(fs::path folder, std::uint64_t limit)
    : folder_(std::move(folder)), limit_(limit) {}

fs::path ModelCache::Path(const Digest& digest) const {
  return folder_ / digest.Hex();
}

bool ModelCache::Contains(const Digest& digest) {
  std::error_code error;
  const fs::path file = Path(digest);
  if (!fs::exists(file, error)) return false;
  if (!verified_.contains(digest)) {
    const absl::StatusOr<Digest> found = HashFile(file);
    if (!found.ok() || *found != digest) {
      fs::remove(file, error);
      return false;
    }
    verified_.insert(digest);
  }
  // What was used last is what Trim removes last.
  fs::last_write_time(file, fs::file_time_type::clock::now(), error);
  return true;
}

absl::StatusOr<std::unique_ptr<Download>> ModelCache::StartDownload(
    const Digest& digest) const {
  return Download::Resume(Path(digest), digest);
}

void ModelCache::Trim(const std::set<Digest>& keep) {
  struct Candidate {
    fs::file_time_type used;
    fs::path file;
    std::uint64_t size;
  };
  std::vector<Candidate> candidates;
  std::uint64_t total = 0;
  std::error_code error;
  // Not a range-for: that one's step throws.
  for (fs::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    const fs::directory_entry& entry = *at;
    if (!entry.is_regular_file(error)) continue;
    const auto digest = Digest::FromHex(entry.path().filename().string());
    if (digest.ok() && keep.contains(*digest)) continue;
    const std::uint64_t size = entry.file_size(error);
    if (error) continue;
    const fs::file_time_type used = entry.last_write_time(error);
    if (error) continue;
    candidates.push_back({used, entry.path(), size});
    total += size;
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& left, const Candidate& right) {
              return std::tie(left.used, left.file) <
                     std::tie(right.used, right.file);
            });
  for (const Candidate& candidate : candidates) {
    if (total <= limit_) return;
    fs::remove(candidate.file, error);
    total -= candidate.size;
  }
}

absl::StatusOr<std::shared_ptr<const Model>> LoadModel(const fs::path& file,
                                                       const Digest& digest,
                                                       fs::path archive) {
  const absl::StatusOr<Digest> found = HashFile(file);
  if (!found.ok()) return found.status();
  if (*found != digest) {
    // The next task finds it absent, and fetches it.
    std::error_code ignored;
    fs::remove(file, ignored);
    return absl::DataLossError(
        absl::StrCat(file.string(), " was damaged: its digest is another"));
  }
  absl::StatusOr<codec::SafetensorsFile> read = codec::ReadSafetensors(file);
  if (!read.ok()) return read.status();
  auto model = std::make_shared<Model>();
  model->id = digest;
  model->manifest = read->header.manifest.ModelPart();
  const auto architecture =
      read->header.metadata.find("tributary.architecture");
  if (architecture != read->header.metadata.end()) {
    model->architecture = architecture->second;
  }
  model->archive = std::move(archive);
  model->weights = std::move(read->weights);
  const auto end = model->weights.begin() +
                   static_cast<std::ptrdiff_t>(model->manifest.Length());
  model->auxiliary.assign(end, model->weights.end());
  model->weights.erase(end, model->weights.end());
  return model;
}

}  // namespace tributary
