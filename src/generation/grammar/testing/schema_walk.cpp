// hadal_schema_walk TOKENIZER SCHEMAS SAMPLES: random outputs for each schema
// of a file of JSON lines {"name", "schema"}, as JSON lines {"name", "output",
// "ended"} on stdout; {"name", "refused"} for a schema that is refused. For
// tests/e2e/test_schemas.py.

#include <fstream>
#include <iostream>
#include <string>

#include "generation/grammar/testing/grammar_walk.h"

namespace hadal {
namespace {

void print(const JsonValue& value) {
  std::cout << print_json(value) << "\n";
}

void walk(
    GrammarCache& grammars,
    const Tokenizer& tokenizer,
    const JsonValue& line,
    int samples) {
  const JsonValue name = *line.find("name");
  auto made = grammars.json_schema(*line.find("schema"), {.path = "schema"});
  if (!made.has_value()) {
    print(JsonValue::object(
        {{"name", name},
         {"refused", JsonValue::string(made.error().message)}}));
    return;
  }
  for (int i = 0; i < samples; ++i) {
    std::unique_ptr<TokenConstraint> constraint = made.value()->clone();
    WalkOptions options;
    options.seed = static_cast<uint64_t>(i) + 1;
    options.patience = 10 + 20 * (i % 3);
    options.per_byte = i % 2 == 0 ? 0.0F : 1.0F;
    WalkResult result = random_walk(*constraint, tokenizer, options);
    print(JsonValue::object(
        {{"name", name},
         {"output", JsonValue::string(result.text)},
         {"ended", JsonValue::boolean(result.ended)}}));
  }
}

int run(const char* tokenizer_path, const char* schemas, int samples) {
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path);
  GrammarCache grammars(tokenizer);
  std::ifstream file(schemas);
  for (std::string line; std::getline(file, line);)
    walk(grammars, tokenizer, parse_json(line).value(), samples);
  return 0;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: hadal_schema_walk TOKENIZER SCHEMAS SAMPLES\n";
    return 2;
  }
  try {
    return hadal::run(argv[1], argv[2], std::stoi(argv[3]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
