// Encoding and decoding on request.
#include "server/api/text_routes.h"

#include "server/api/prepare.h"
#include "server/api/write_json.h"
#include "text/prompt_format.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;

ApiResult<EncodedPrompt> encode_messages(
    const JsonValue& body, const ServedModel& served) {
  RequestOptions options = served.request;
  options.max_choices = served.limits.max_choices;
  Result<ChatRequest> request = read_chat_request(body, options);
  if (!request.has_value())
    return api_error(request.error());
  return encode_chat_request(std::move(*request), served);
}

std::vector<int32_t> encode_text(
    const JsonValue& body, const ServedModel& served) {
  std::optional<std::string> text = string_field(body, "", "content");
  std::optional<std::string> prompt = string_field(body, "", "prompt");
  text = text ? text : prompt;
  if (!text)
    refuse("content", "a request must have content, prompt or messages");
  std::optional<bool> add = bool_field(body, "", "add_special");
  std::optional<bool> other = bool_field(body, "", "add_special_tokens");
  bool parse = bool_field(body, "", "parse_special").value_or(true);
  std::vector<int32_t> ids = served.tokenizer.encode(
      *text, parse ? SpecialTokens::recognised : SpecialTokens::as_text);
  bool wanted = add ? *add : other.value_or(false);
  if (wanted && (ids.empty() || ids.front() != served.control.bos))
    ids.insert(ids.begin(), served.control.bos);
  return ids;
}

// llama-server's form: fragments of characters as their bytes.
Json piece_object(int32_t id, const Tokenizer& tokenizer) {
  std::string_view bytes = tokenizer.bytes(id);
  Json piece;
  piece["id"] = id;
  if (is_valid_utf8(bytes)) {
    piece["piece"] = bytes;
  } else {
    piece["piece"] = Json::array();
    for (char byte : bytes)
      piece["piece"].push_back(static_cast<uint8_t>(byte));
  }
  return piece;
}

std::string tokens_json(
    const std::vector<int32_t>& ids,
    const JsonValue& body,
    const ServedModel& served) {
  bool pieces = bool_field(body, "", "with_pieces").value_or(false);
  bool texts = bool_field(body, "", "return_token_strs").value_or(false);
  Json tokens = Json::array();
  Json strings = Json::array();
  for (int32_t id : ids) {
    if (pieces)
      tokens.push_back(piece_object(id, served.tokenizer));
    else
      tokens.push_back(id);
    if (texts)
      strings.push_back(replace_invalid_utf8(served.tokenizer.bytes(id)));
  }
  Json out;
  out["tokens"] = std::move(tokens);
  out["count"] = ids.size();
  out["max_model_len"] = served.info.context;
  if (texts)
    out["token_strs"] = std::move(strings);
  return dump(out);
}

}  // namespace

ApiResult<std::string> tokenize_json(
    const JsonValue& body, const ServedModel& served) {
  try {
    if (field(body, "messages") == nullptr)
      return tokens_json(encode_text(body, served), body, served);
    ApiResult<EncodedPrompt> prompt = encode_messages(body, served);
    if (!prompt.has_value())
      return prompt.error();
    return tokens_json(prompt->ids, body, served);
  } catch (const RequestError& error) {
    return api_error(error.failure);
  }
}

ApiResult<std::string> detokenize_json(
    const JsonValue& body, const ServedModel& served) {
  return reading<std::string>([&] {
    const JsonValue* tokens = array_field(body, "", "tokens");
    if (tokens == nullptr)
      refuse("tokens", "a request must have tokens");
    std::string text = served.tokenizer.decode(
        read_token_ids(*tokens, "tokens", served.tokenizer.size()));
    return dump({{"content", text}, {"prompt", text}});
  });
}

ApiResult<std::string> apply_template_json(
    const JsonValue& body, const ServedModel& served) {
  ApiResult<EncodedPrompt> prompt = encode_messages(body, served);
  if (!prompt.has_value())
    return prompt.error();
  Json out;
  out["prompt"] = prompt->text;
  out["count"] = prompt->ids.size();
  out["thinking"] = prompt->thinking;
  out["reasoning_effort"] = prompt->level;
  return dump(out);
}

}  // namespace hadal
