// Any JSON as a schema: it is refused with a message, or outputs under it are
// texts that go on until they are JSON that satisfies it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/constraint_factory.h"
#include "generation/grammar/schema_check.h"
#include "text/utf8.h"

namespace {

using namespace hadal;

const Tokenizer& tokenizer() {
  static const Tokenizer loaded =
      Tokenizer::load(HADAL_SOURCE_DIR "/models/nano");
  return loaded;
}

// A random allowed token; after a while one of those that close.
int32_t choose(const TokenMask& mask, std::mt19937& engine, bool is_closing) {
  std::vector<int32_t> allowed;
  std::vector<int32_t> closing;
  for (int32_t token = 0; token < tokenizer().size(); ++token) {
    if (!mask.allows(token))
      continue;
    allowed.push_back(token);
    std::string_view bytes = tokenizer().bytes(token);
    if (token == tokenizer().eos_id() ||
        bytes.find_first_not_of("\"}]") == std::string_view::npos)
      closing.push_back(token);
  }
  if (allowed.empty())
    std::abort();
  const std::vector<int32_t>& from =
      is_closing && !closing.empty() ? closing : allowed;
  return from[engine() % from.size()];
}

void walk(TokenConstraint& constraint, const JsonValue& schema, uint32_t seed) {
  constexpr int kTokens = 48;
  std::mt19937 engine(seed);
  std::string text;
  for (int step = 0; step < kTokens; ++step) {
    const int32_t token = choose(constraint.mask(), engine, step > kTokens / 4);
    constraint.accept(token);
    if (token == tokenizer().eos_id()) {
      const SchemaDocument document(schema, "schema");
      Result<JsonValue> value = parse_json(text);
      if (!value.has_value() || !satisfies(document, *value, schema))
        std::abort();
      return;
    }
    text += tokenizer().bytes(token);
  }
  if (valid_utf8_prefix(text) + 3 < text.size())
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static GrammarCache grammars(tokenizer(), {.max_grammars = 4});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<JsonValue> schema = parse_json(text);
  if (!schema.has_value())
    return 0;
  auto made = grammars.json_schema(*schema, {.path = "schema"});
  if (!made.has_value()) {
    if (made.error().message.empty() ||
        !made.error().field.starts_with("schema"))
      std::abort();
    return 0;
  }
  walk(*made.value(), *schema, static_cast<uint32_t>(size));
  return 0;
}
