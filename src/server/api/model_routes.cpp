// JSON of the model and of the sequences.
#include "server/api/model_routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "hadal/version.h"
#include "server/api/write_json.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;

Json model_object(std::string_view id, const ServedModel& served) {
  Json meta;
  meta["n_ctx_train"] = served.facts.trained_context > 0
                            ? served.facts.trained_context
                            : served.info.context;
  meta["n_vocab"] = served.tokenizer.size();
  meta["n_embd"] = served.info.hidden_size;
  if (served.facts.bytes > 0)
    meta["size"] = served.facts.bytes;
  if (served.facts.parameters > 0)
    meta["n_params"] = served.facts.parameters;
  Json model;
  model["id"] = id;
  model["object"] = "model";
  model["created"] = served.started;
  model["owned_by"] = "hadal";
  model["root"] = served.name;
  model["max_model_len"] = served.info.context;
  model["context_length"] = served.info.context;
  model["meta"] = std::move(meta);
  return model;
}

std::string_view reasoning_field_name(ReasoningField field) {
  switch (field) {
    case ReasoningField::reasoning_content:
      return "reasoning_content";
    case ReasoningField::reasoning:
      return "reasoning";
    case ReasoningField::both:
      return "both";
  }
  return "reasoning_content";
}

Json sampling_object(const ServedModel& served) {
  const SamplingOptions& sampling = served.sampling;
  Json out;
  out["temperature"] = sampling.temperature;
  out["top_p"] = sampling.top_p;
  out["top_k"] = sampling.top_k;
  out["min_p"] = sampling.min_p;
  out["repetition_penalty"] = sampling.repetition_penalty;
  out["presence_penalty"] = sampling.presence_penalty;
  out["frequency_penalty"] = sampling.frequency_penalty;
  out["max_tokens"] = served.max_tokens;
  return out;
}

// The levels that clients may name and what becomes of them.
Json thinking_object(const ServedModel& served) {
  const PromptFormat& format = prompt_format(served.request.revision);
  Json levels = Json::array({"none"});
  Json words;
  for (const EffortLevel& level : format.levels) {
    levels.push_back(level.level);
    words[std::string(level.level)] = level.word;
  }
  Json out;
  out["enabled"] = true;
  out["effort"] = "high";
  out["levels"] = std::move(levels);
  out["prompt_effort"] = std::move(words);
  out["max_thinking_tokens"] = served.max_thinking_tokens;
  out["preserve_thinking"] = served.request.preserve_thinking;
  out["reasoning_field"] = reasoning_field_name(served.reasoning_field);
  return out;
}

std::string_view phase_name(SequenceStatus::Phase phase) {
  switch (phase) {
    case SequenceStatus::Phase::queued:
      return "queued";
    case SequenceStatus::Phase::loading:
      return "loading";
    case SequenceStatus::Phase::prompt:
      return "prompt";
    case SequenceStatus::Phase::generating:
      return "generating";
  }
  return "unknown";
}

}  // namespace

std::string models_json(const ServedModel& served) {
  Json data = Json::array({model_object(served.name, served)});
  for (const std::string& alias : served.aliases)
    data.push_back(model_object(alias, served));
  return dump({{"object", "list"}, {"data", std::move(data)}});
}

ApiResult<std::string> model_json(
    std::string_view id, const ServedModel& served) {
  bool known = id == served.name ||
               std::find(served.aliases.begin(), served.aliases.end(), id) !=
                   served.aliases.end();
  if (known)
    return dump(model_object(id, served));
  ApiError error;
  error.status = 404;
  error.message = fmt::format(
      "the model '{}' does not exist here; this server has '{}'",
      id,
      served.name);
  error.param = "model";
  error.code = "model_not_found";
  return error;
}

std::string props_json(const ServedModel& served) {
  Json settings;
  settings["n_ctx"] = served.info.context;
  settings["params"] = sampling_object(served);
  Json out;
  out["model"] = served.name;
  out["model_alias"] = served.name;
  out["aliases"] = served.aliases;
  // The folder's name alone: where it lies is nobody's business.
  out["model_path"] = served.info.directory.filename().string();
  out["revision"] = name(served.request.revision);
  out["quantisation"] = served.facts.quantisation;
  out["n_params"] = served.facts.parameters;
  out["size"] = served.facts.bytes;
  out["n_ctx"] = served.info.context;
  out["n_vocab"] = served.tokenizer.size();
  out["layers"] = served.info.layers;
  out["device"] = served.info.device;
  out["backend"] = served.info.backend;
  out["threads"] = served.info.threads;
  out["model_fingerprint"] = fmt::format("{:016x}", served.info.fingerprint);
  out["default_sampling"] = sampling_object(served);
  out["default_generation_settings"] = std::move(settings);
  out["thinking"] = thinking_object(served);
  out["modalities"] = {{"vision", false}, {"audio", false}};
  out["build_info"] = "hadal " + std::string(version());
  return dump(out);
}

std::string slots_json(const EngineStatus& status, const ServedModel& served) {
  Json out = Json::array();
  for (const SequenceStatus& sequence : status.sequences) {
    Json slot;
    slot["id"] = sequence.id;
    slot["phase"] = phase_name(sequence.phase);
    slot["is_processing"] = sequence.phase != SequenceStatus::Phase::queued;
    slot["n_ctx"] = served.info.context;
    slot["prompt_tokens"] = sequence.prompt_tokens;
    slot["prompt_done"] = sequence.prompt_done;
    slot["cached_tokens"] = sequence.cached_tokens;
    slot["generated_tokens"] = sequence.generated_tokens;
    slot["seconds"] = sequence.seconds;
    out.push_back(std::move(slot));
  }
  return dump(out);
}

}  // namespace hadal
