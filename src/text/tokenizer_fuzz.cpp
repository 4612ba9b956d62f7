// Any bytes, cut into spans of any trust: nothing crashes, no untrusted text
// becomes an added token, and decoding gives the text back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/tokenizer.h"
#include "text/spans.h"
#include "text/utf8.h"

namespace {

using hadal::Spans;
using hadal::SpecialTokens;
using hadal::Tokenizer;

void require(bool condition) {
  if (!condition)
    std::abort();
}

// The ids give `text` back, at once and as a stream.
void check_decoding(
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& ids,
    const std::string& text) {
  require(tokenizer.decode(ids) == text);
  hadal::DecodeStream stream(tokenizer);
  std::string streamed;
  for (int32_t id : ids)
    streamed += stream.push(id);
  require(streamed + stream.finish() == text);
}

// Spans of 1 to 64 bytes, their lengths and trust taken from the text itself.
Spans cut(std::string_view text) {
  Spans spans;
  while (!text.empty()) {
    auto byte = static_cast<uint8_t>(text[0]);
    std::string_view part = text.substr(0, byte % 64 + 1);
    spans.push_back({std::string(part), byte >= 64});
    text.remove_prefix(part.size());
  }
  return spans;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Tokenizer tokenizer =
      Tokenizer::load(HADAL_SOURCE_DIR "/models/nano");
  std::string text(reinterpret_cast<const char*>(data), size);
  std::string valid = hadal::replace_invalid_utf8(text);

  auto plain = tokenizer.encode(text, SpecialTokens::as_text);
  check_decoding(tokenizer, plain, valid);
  for (int32_t id : plain)
    require(!tokenizer.is_added(id));
  auto recognised = tokenizer.encode(text, SpecialTokens::recognised);
  check_decoding(tokenizer, recognised, valid);

  Spans spans = cut(text);
  check_decoding(tokenizer, tokenizer.encode(spans), valid);
  for (hadal::TextSpan& span : spans)
    span.trusted = false;
  require(tokenizer.encode(spans) == plain);
  for (hadal::TextSpan& span : spans)
    span.trusted = true;
  require(tokenizer.encode(spans) == recognised);
  return 0;
}
