#include "cli/serve/served_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/sampling_flags.h"
#include "hadal/version.h"
#include "weights/load_checkpoint.h"

namespace hadal::cli {
namespace {

// "fp4+fp8": the formats with most bytes, the larger one first.
std::string quantisation(const CheckpointReport& report) {
  std::map<std::string, uint64_t> bytes;
  for (const GroupReport& group : report.groups)
    for (const FormatCount& format : group.formats)
      bytes[format.format] += format.bytes;
  std::vector<std::pair<uint64_t, std::string>> sorted;
  for (const auto& [format, size] : bytes)
    sorted.emplace_back(size, format);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(sorted.size(), 2); ++i)
    out += (i == 0 ? "" : "+") + sorted[i].second;
  return out;
}

CheckpointFacts facts_of(const std::filesystem::path& directory) {
  const LoadedModel loaded = inspect_checkpoint(directory);
  return {
      .quantisation = quantisation(loaded.report),
      .parameters = loaded.report.trunk_parameters,
      .bytes = static_cast<int64_t>(loaded.report.tensor_bytes),
      .trained_context = loaded.config.max_position_embeddings};
}

// The directory's name; of a Hugging Face snapshot, the repository's.
std::string name_of(const std::filesystem::path& directory) {
  namespace fs = std::filesystem;
  const fs::path path = fs::weakly_canonical(directory);
  if (path.parent_path().filename() == "snapshots") {
    const std::string repository =
        path.parent_path().parent_path().filename().string();
    const size_t name = repository.rfind("--");
    if (name != std::string::npos)
      return repository.substr(name + 2);
  }
  return path.filename().string();
}

}  // namespace

std::unique_ptr<ServedModel> served_model(
    const Model& model, const ServeFlags& flags) {
  const ModelInfo& info = model.info();
  auto served = std::make_unique<ServedModel>(Tokenizer::load(
      info.directory, {.expected_vocabulary = info.vocabulary}));
  served->info = info;
  served->facts = facts_of(info.directory);
  served->name = name_of(info.directory);
  if (!flags.served_names.empty()) {
    served->name = flags.served_names.front();
    served->aliases.assign(
        flags.served_names.begin() + 1, flags.served_names.end());
  }
  served->fingerprint =
      fmt::format("hadal-{}-{:016x}", version(), info.fingerprint);
  served->started = served->sources.unix_seconds();
  served->request.revision =
      detect_revision(info.directory.string(), flags.revision).value();
  served->request.context_tokens = info.context;
  served->request.max_choices = served->limits.max_choices;
  served->sampling = sampling_options({}, info.directory);
  served->max_request_seconds = flags.request_timeout_seconds;
  served->reasoning_field = flags.reasoning_field;
  return served;
}

}  // namespace hadal::cli
