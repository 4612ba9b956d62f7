#include "checkpoint/checkpoint_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kSingleName = "model.safetensors";

// Which shard holds which tensor, as the index says.
struct Index {
  std::vector<std::string> shards;  // in the order of their names
  std::unordered_map<std::string, uint32_t> shard_of;
};

[[noreturn]] void corrupt(const std::string& message) {
  throw Error(ErrorCode::corrupt, message);
}

// Streams the index into `Index`; like the headers it has an entry a tensor.
class IndexHandler : public nlohmann::json_sax<Json> {
 public:
  IndexHandler(Index& out) : out_(out) {}
  const std::string& problem() const { return problem_; }
  bool complete() const { return map_seen_; }

  bool start_object(size_t) override {
    ++depth_;
    if (depth_ == 2 && array_depth_ == 0 && key_ == "weight_map") {
      if (map_seen_)
        return reject("weight_map stands there twice");
      map_seen_ = in_map_ = true;
    } else if (in_map_) {
      return reject(in_quotes(key_) + " must name a file");
    }
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 1)
      in_map_ = false;
    return true;
  }
  bool key(std::string& text) override {
    key_ = std::move(text);
    return true;
  }
  bool string(std::string& text) override {
    if (!in_map_)
      return true;
    // Neighbours mostly lie in one file.
    if (out_.shards.empty() || out_.shards[last_] != text) {
      const auto [entry, added] =
          number_.emplace(text, static_cast<uint32_t>(out_.shards.size()));
      if (added)
        out_.shards.push_back(text);
      last_ = entry->second;
    }
    if (!out_.shard_of.emplace(std::move(key_), last_).second)
      return reject("a tensor stands there twice");
    return true;
  }
  bool start_array(size_t) override {
    ++array_depth_;
    return scalar();
  }
  bool end_array() override {
    --array_depth_;
    return true;
  }
  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(Json::number_integer_t) override { return scalar(); }
  bool number_unsigned(Json::number_unsigned_t) override { return scalar(); }
  bool number_float(Json::number_float_t, const std::string&) override {
    return scalar();
  }
  bool binary(Json::binary_t&) override { return scalar(); }
  bool parse_error(
      size_t position,
      const std::string&,
      const nlohmann::detail::exception&) override {
    return reject(fmt::format("no valid JSON at byte {}", position));
  }

 private:
  bool scalar() {
    return !in_map_ || reject(in_quotes(key_) + " must name a file");
  }
  bool reject(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Index& out_;
  std::string problem_;
  std::string key_;
  std::unordered_map<std::string, uint32_t> number_;
  uint32_t last_ = 0;
  int depth_ = 0;
  int array_depth_ = 0;
  bool in_map_ = false;
  bool map_seen_ = false;
};

// A shard lies in the directory itself: an index from elsewhere must not reach
// other files.
bool plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

Index read_index(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string source = path.string();
  if (file.bytes().size() > kIndexLimitBytes)
    corrupt(fmt::format(
        "{}: {} bytes, the limit is {}",
        source,
        file.bytes().size(),
        kIndexLimitBytes));
  Index index;
  IndexHandler handler(index);
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  if (file.bytes().empty() ||
      !Json::sax_parse(text, text + file.bytes().size(), &handler))
    corrupt(fmt::format(
        "{}: {}; fetch the file again",
        source,
        file.bytes().empty() ? "the file is empty" : handler.problem()));
  if (!handler.complete() || index.shards.empty())
    corrupt(
        source +
        ": expected an object \"weight_map\" from tensors to files, "
        "found none or an empty one");
  if (index.shards.size() > kMaxShards)
    corrupt(fmt::format(
        "{}: {} files, the limit is {}",
        source,
        index.shards.size(),
        kMaxShards));
  for (const std::string& shard : index.shards)
    if (!plain_file_name(shard))
      corrupt(fmt::format(
          "{}: weight_map names the file {}, expected a name in the same "
          "directory",
          source,
          in_quotes(shard)));

  // Shards in the order of their names, whatever the order of the entries.
  std::vector<uint32_t> order(index.shards.size());
  for (uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::sort(order, {}, [&](uint32_t i) { return index.shards[i]; });
  std::vector<uint32_t> rank(order.size());
  std::vector<std::string> sorted;
  for (uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    sorted.push_back(index.shards[order[i]]);
  }
  index.shards = std::move(sorted);
  for (auto& [name, shard] : index.shard_of)
    shard = rank[shard];
  return index;
}

SafetensorsFile open_shard(
    const std::filesystem::path& directory, const std::string& shard) {
  try {
    return SafetensorsFile(directory / shard);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found)
      throw;
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "{}: the file is missing, {} names it; fetch it again",
            (directory / shard).string(),
            kIndexName));
  }
}

void compare_with_index(
    const Index& index,
    const std::vector<SafetensorsFile>& shards,
    const std::filesystem::path& index_path) {
  size_t matched = 0;
  for (uint32_t shard = 0; shard < shards.size(); ++shard)
    for (const StoredTensor& tensor : shards[shard].tensors()) {
      const auto entry = index.shard_of.find(tensor.name);
      if (entry == index.shard_of.end())
        corrupt(fmt::format(
            "{}: tensor {} is not in {}; the files do not belong together, "
            "fetch them again",
            shards[shard].path().string(),
            in_quotes(tensor.name),
            kIndexName));
      if (entry->second != shard)
        corrupt(fmt::format(
            "{}: tensor {} should be in {} by {}; the files do not belong "
            "together, fetch them again",
            shards[shard].path().string(),
            in_quotes(tensor.name),
            index.shards[entry->second],
            kIndexName));
      ++matched;
    }
  if (matched == index.shard_of.size())
    return;
  for (const auto& [name, shard] : index.shard_of)
    if (shards[shard].find(name) == nullptr)
      corrupt(fmt::format(
          "{}: tensor {} should be in {}, which does not have it; fetch "
          "that file again",
          index_path.string(),
          in_quotes(name),
          index.shards[shard]));
}

}  // namespace

CheckpointFiles::CheckpointFiles(const std::filesystem::path& directory)
    : directory_(directory) {
  const std::filesystem::path index_path = directory / kIndexName;
  const std::filesystem::path single_path = directory / kSingleName;
  std::error_code ignored;
  if (std::filesystem::exists(index_path, ignored)) {
    const Index index = read_index(index_path);
    for (const std::string& shard : index.shards)
      shards_.push_back(open_shard(directory, shard));
    compare_with_index(index, shards_, index_path);
  } else if (std::filesystem::exists(single_path, ignored)) {
    shards_.emplace_back(single_path);
  } else {
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "{}: neither {} nor {} is there; a model directory has one of them "
            "beside its config.json",
            directory.string(),
            kIndexName,
            kSingleName));
  }
  for (uint32_t shard = 0; shard < shards_.size(); ++shard)
    for (StoredTensor& tensor : shards_[shard].tensors()) {
      tensor.shard = shard;
      ++tensor_count_;
      tensor_bytes_ += tensor.bytes;
    }
}

std::string CheckpointFiles::shard_name(uint32_t shard) const {
  return shards_[shard].path().filename().string();
}

const StoredTensor* CheckpointFiles::find(std::string_view name) const {
  for (const SafetensorsFile& shard : shards_)
    if (const StoredTensor* tensor = shard.find(name))
      return tensor;
  return nullptr;
}

}  // namespace hadal
