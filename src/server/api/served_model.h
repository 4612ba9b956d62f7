// What all requests share: the model's names, its tokenizer, the server's
// settings. Made once, then only read, by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/chat.h"
#include "hadal/model.h"
#include "hadal/sampling.h"
#include "hadal/tokenizer.h"
#include "server/api/constraint_source.h"
#include "server/api/control_tokens.h"
#include "server/api/json_body.h"
#include "text/chat_request.h"

namespace hadal {

class ReplayStore;

// Under which name reasoning is written in chat completions. All are read.
enum class ReasoningField { reasoning_content, reasoning, both };

struct ApiLimits {
  BodyLimits body;
  int max_choices = 16;  // n
  int max_logprobs = 20;
  // Prompts in one completions request, times n.
  int max_completions = 64;
  size_t max_bad_words = 256;
  // Bytes of an answer that wait for a client that does not read. Beyond it the
  // request is cancelled.
  size_t max_waiting_bytes = size_t{8} << 20;
};

// Time and chance, replaced in tests.
struct ApiSources {
  std::function<int64_t()> unix_seconds;
  // "chatcmpl-" -> "chatcmpl-" and 24 random letters and digits. Any thread.
  std::function<std::string(std::string_view prefix)> make_id;
  std::function<uint64_t()> make_seed;

  static ApiSources system();
};

// What /v1/models and /props tell of the checkpoint; 0 or empty when unknown.
struct CheckpointFacts {
  std::string quantisation;  // "fp8+fp4"
  int64_t parameters = 0;
  int64_t bytes = 0;
  int64_t trained_context = 0;
};

struct ServedModel {
  explicit ServedModel(Tokenizer with_tokenizer)
      : tokenizer(std::move(with_tokenizer)),
        control(find_control_tokens(tokenizer)) {}

  Tokenizer tokenizer;
  ControlTokens control;
  ModelInfo info;
  CheckpointFacts facts;
  std::string name = "deepseek-v4";
  // Further names that /v1/models lists. Requests may say any name; it is
  // echoed.
  std::vector<std::string> aliases;
  std::string fingerprint;  // system_fingerprint
  int64_t started = 0;      // Unix time

  // The base for read_chat_request; revision and context are in it.
  RequestOptions request;
  // Where a request says nothing. logprobs, seed and logit_bias are not read.
  SamplingOptions sampling;
  int64_t max_tokens = -1;           // -1: the rest of the context
  int64_t max_thinking_tokens = -1;  // -1: no budget
  bool greedy_markup = true;
  // Seconds until a request ends with a deadline error; 0: none.
  double max_request_seconds = 0;
  ReasoningField reasoning_field = ReasoningField::reasoning_content;
  // Messages: leave out Claude Code's billing line, which changes with every
  // request.
  bool strip_billing_header = true;

  ApiLimits limits;
  ApiSources sources = ApiSources::system();
  // Not owned; may be null: then what needs one is refused or not used.
  ConstraintSource* constraints = nullptr;
  ReplayStore* replay = nullptr;
};

}  // namespace hadal
