#include "convert/convert.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "base/atomic_file.h"
#include "base/hash.h"
#include "base/readable.h"
#include "convert/model_card.h"
#include "convert/output_files.h"
#include "convert/shard_writer.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// Sizes and times of the source's files: a change that the fingerprint's
// samples do not see.
uint64_t stamp(const CheckpointFiles& files) {
  Hasher64 hasher;
  const auto add = [&hasher](uint64_t number) {
    hasher.update(std::as_bytes(std::span(&number, 1)));
  };
  for (const SafetensorsFile& shard : files.shards()) {
    struct stat status {};
    if (::stat(shard.path().c_str(), &status) != 0)
      continue;
    add(static_cast<uint64_t>(status.st_size));
    add(static_cast<uint64_t>(status.st_mtim.tv_sec));
    add(static_cast<uint64_t>(status.st_mtim.tv_nsec));
  }
  return hasher.digest();
}

std::string options_json(const ConvertOptions& options) {
  return fmt::format(
      R"({{"quantiser":"{}","importance":{},"shard_bytes":{}}})",
      options.rule == AffineRule::plain ? "plain" : "search",
      options.importance == nullptr
          ? "null"
          : "\"" + hex(options.importance->hash()) + "\"",
      options.shard_bytes);
}

bool same_place(
    const std::filesystem::path& a, const std::filesystem::path& b) {
  return std::filesystem::weakly_canonical(a) ==
         std::filesystem::weakly_canonical(b);
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

Conversion::Conversion(ConvertOptions options, bool read_source)
    : options_(std::move(options)),
      model_(
          read_source ? load_checkpoint(options_.source)
                      : inspect_checkpoint(options_.source)),
      source_manifest_(read_manifest(options_.source)) {
  PlanOptions plan{
      .shard_bytes = options_.shard_bytes, .requantize = options_.requantize};
  if (source_manifest_)
    plan.rerounded_before = &source_manifest_->rerounded;
  plan_ = make_plan(model_, options_.recipe, plan);
  if (options_.importance != nullptr)
    options_.importance->require_fit(source_tensors(model_));
}

ConversionKey Conversion::key() const {
  return {
      hex(model_.fingerprint),
      recipe_json(options_.recipe),
      options_json(options_)};
}

std::string Conversion::source_name() const {
  const std::filesystem::path path =
      std::filesystem::weakly_canonical(options_.source);
  // The cache of Hugging Face has a snapshot's hash there, and the name above:
  // models--org--name/snapshots/HASH.
  const std::filesystem::path above = path.parent_path();
  if (above.filename() == "snapshots")
    return above.parent_path().filename().string();
  return path.filename().string();
}

ConvertResult Conversion::run() {
  ConvertResult result;
  require_separate();
  remove_abandoned_files();
  if (complete_already()) {
    result.was_complete = true;
    return result;
  }
  prepare_directory();
  ConversionKey journal_key = key();
  journal_key.source += "-" + hex(stamp(model_.storage->files()));
  Journal journal(options_.destination, journal_key);
  require_space(journal);
  write_shards(journal, result);
  write_files(journal);
  journal.remove();
  return result;
}

void Conversion::require_separate() const {
  if (same_place(options_.source, options_.destination))
    throw Error(
        ErrorCode::invalid_argument,
        options_.destination.string() +
            ": is the source itself; choose another directory for the output");
}

void Conversion::remove_abandoned_files() const {
  const std::filesystem::path& directory = options_.destination;
  for (const auto& [name, text] : output_files(options_.source, plan_))
    AtomicFile::remove_abandoned(directory / name);
  AtomicFile::remove_abandoned(directory / kManifestName);
  AtomicFile::remove_abandoned(directory / kModelCardName);
}

bool Conversion::complete_already() const {
  if (std::filesystem::exists(options_.destination / kJournalName))
    return false;
  const std::optional<Manifest> there = read_manifest(options_.destination);
  return there && there->key == key();
}

void Conversion::prepare_directory() const {
  const std::filesystem::path& directory = options_.destination;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory))
    throw Error(
        ErrorCode::io,
        fmt::format(
            "{}: cannot make this directory: {}",
            directory.string(),
            error ? error.message() : "a file has that name"));
  if (std::filesystem::is_empty(directory) ||
      std::filesystem::exists(directory / kJournalName))
    return;
  throw Error(
      ErrorCode::invalid_argument,
      std::filesystem::exists(directory / kManifestName)
          ? directory.string() +
                ": holds the output of another conversion; choose another "
                "directory or remove this one"
          : directory.string() + ": is not empty; choose another directory");
}

void Conversion::require_space(const Journal& journal) const {
  uint64_t needed = 0;
  uint64_t reused = 0;
  for (const PlannedShard& shard : plan_.shards) {
    if (journal.finished(shard.file) != nullptr)
      continue;
    needed += shard.bytes;
    std::error_code none;
    for (const char* suffix : {"", ".part"}) {
      const auto size = std::filesystem::file_size(
          options_.destination / (shard.file + suffix), none);
      reused += none ? 0 : size;
    }
  }
  constexpr uint64_t kSmallFiles = 64 << 20;
  const uint64_t free =
      std::filesystem::space(options_.destination).available + reused;
  if (free < needed || (needed > kSmallFiles && free < needed + kSmallFiles))
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "{}: {} free, {} needed; make space or choose another disk, then "
            "run the same command again",
            options_.destination.string(),
            readable_bytes(free),
            readable_bytes(needed)));
}

void Conversion::write_shards(Journal& journal, ConvertResult& result) {
  std::vector<bool> wanted;
  for (const PlannedShard& shard : plan_.shards) {
    wanted.push_back(journal.finished(shard.file) == nullptr);
    result.shards_resumed += wanted.back() ? 0 : 1;
  }
  ShardWriter writer(model_, plan_, options_, journal);
  result.bytes_written = writer.write(wanted);
}

void Conversion::write_files(const Journal& journal) const {
  const std::filesystem::path& directory = options_.destination;
  Manifest manifest;
  manifest.key = key();
  for (const PlannedModule& module : plan_.modules) {
    const std::string name =
        release_name(module.source.id, module.source.block);
    if (module.rerounded || (module.exact && source_manifest_ &&
                             source_manifest_->rerounded.contains(name)))
      manifest.rerounded.insert(name);
  }
  for (const PlannedShard& shard : plan_.shards) {
    const FinishedShard* finished = journal.finished(shard.file);
    for (size_t i = 0; i < shard.tensors.size(); ++i)
      manifest.tensors.emplace(
          shard.tensors[i].name,
          ManifestTensor{
              shard.file, shard.tensors[i].bytes(), finished->hashes[i]});
  }
  const std::map<std::string, std::string> files =
      output_files(options_.source, plan_);
  // The configuration and the index come last: without them nothing loads.
  for (const auto& [name, text] : files) {
    manifest.files.emplace(name, hex(hash64(text)));
    if (name != "config.json" && name != "model.safetensors.index.json")
      write_text(directory / name, text);
  }
  write_model_card(*this, std::nullopt);
  write_text(directory / kManifestName, manifest_json(manifest));
  write_text(directory / "config.json", files.at("config.json"));
  write_text(
      directory / "model.safetensors.index.json",
      files.at("model.safetensors.index.json"));
}

}  // namespace hadal
