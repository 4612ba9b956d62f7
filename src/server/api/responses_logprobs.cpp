// Walking along the text with the tokens beside it.
#include "server/api/responses_logprobs.h"

#include <algorithm>
#include <vector>

#include "server/api/answer_json.h"
#include "text/prompt_format.h"

namespace hadal {
void ResponsesLogprobs::add(std::span<const TokenInfo> tokens) {
  for (const TokenInfo& token : tokens) {
    if (token.bytes == kThinkClose)
      waiting_.clear();
    else if (!token.bytes.empty())
      waiting_.push_back(token);
  }
}

std::string ResponsesLogprobs::take(std::string_view text) {
  size_t ahead = std::min(told_ahead_, text.size());
  told_ahead_ -= ahead;
  text.remove_prefix(ahead);
  std::vector<TokenInfo> told;
  while (!text.empty() && !waiting_.empty()) {
    TokenInfo token = std::move(waiting_.front());
    waiting_.pop_front();
    std::string_view bytes = token.bytes;
    // Newlines before the text are not part of it.
    if (!text.starts_with('\n'))
      bytes.remove_prefix(
          std::min(bytes.find_first_not_of('\n'), bytes.size()));
    if (bytes.empty() || !(text.starts_with(bytes) || bytes.starts_with(text)))
      continue;
    size_t reached = std::min(bytes.size(), text.size());
    told_ahead_ = bytes.size() - reached;
    text.remove_prefix(reached);
    told.push_back(std::move(token));
  }
  std::string list = logprobs_json(told, tokenizer_);
  return list.substr(1, list.size() - 2);
}

}  // namespace hadal
