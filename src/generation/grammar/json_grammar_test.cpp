// JSON Schema: what outputs may be, keyword by keyword (tests/data/
// schemas.jsonl), layouts, escapes, and random outputs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "generation/grammar/schema_check.h"
#include "generation/grammar/testing/grammar_walk.h"
#include "text/tokenizer_test_files.h"
#include "text/utf8.h"

namespace hadal {
namespace {

GrammarCache& nano_grammars() {
  static GrammarCache grammars(nano_tokenizer());
  return grammars;
}

std::unique_ptr<TokenConstraint> constraint_of(const JsonValue& schema) {
  return nano_grammars().json_schema(schema).value();
}

std::unique_ptr<TokenConstraint> constraint_of(const std::string& schema) {
  return constraint_of(parse_json(schema).value());
}

bool accepts(const std::string& schema, const std::string& text) {
  return accepts_text(*constraint_of(schema), nano_tokenizer(), text);
}

std::string without_spaces(const std::string& json) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"' && (i == 0 || json[i - 1] != '\\'))
      in_string = !in_string;
    if (in_string || json[i] != ' ')
      out += json[i];
  }
  return out;
}

std::vector<JsonValue> schema_lines() {
  std::vector<JsonValue> lines;
  std::istringstream file(read_test_file("schemas.jsonl"));
  for (std::string line; std::getline(file, line);)
    lines.push_back(parse_json(line).value());
  EXPECT_GE(lines.size(), 150u);
  return lines;
}

TEST(JsonGrammar, AcceptsValidAndRejectsInvalidInstances) {
  for (const JsonValue& line : schema_lines()) {
    const std::string& name = at(line, "name").as_string();
    SCOPED_TRACE(name);
    auto constraint = constraint_of(at(line, "schema"));
    const JsonValue* valid = line.find("valid");
    const JsonValue* invalid = line.find("invalid");
    if (valid != nullptr)
      for (const JsonValue& instance : valid->items()) {
        const std::string text = print_json(instance);
        EXPECT_TRUE(accepts_text(*constraint, nano_tokenizer(), text)) << text;
        if (text.find("\\\\") == std::string::npos) {
          EXPECT_TRUE(
              accepts_text(*constraint, nano_tokenizer(), without_spaces(text)))
              << text;
        }
      }
    if (invalid != nullptr)
      for (const JsonValue& instance : invalid->items()) {
        const std::string text = print_json(instance);
        EXPECT_FALSE(accepts_text(*constraint, nano_tokenizer(), text)) << text;
      }
  }
}

// The validator that chooses among enum values agrees with the file too.
TEST(SchemaCheck, JudgesTheInstances) {
  for (const JsonValue& line : schema_lines()) {
    SCOPED_TRACE(at(line, "name").as_string());
    const SchemaDocument document(at(line, "schema"), "schema");
    for (const char* kind : {"valid", "invalid"})
      if (const JsonValue* instances = line.find(kind))
        for (const JsonValue& instance : instances->items()) {
          EXPECT_EQ(
              satisfies(document, instance, document.root()),
              std::string(kind) == "valid")
              << print_json(instance);
        }
  }
}

TEST(JsonGrammar, RandomOutputsAreValid) {
  int ended = 0;
  int walks = 0;
  for (const JsonValue& line : schema_lines()) {
    SCOPED_TRACE(at(line, "name").as_string());
    const SchemaDocument document(at(line, "schema"), "schema");
    for (uint64_t seed = 101; seed < 104; ++seed) {
      auto constraint = constraint_of(at(line, "schema"));
      WalkOptions options;
      options.seed = seed;
      options.max_tokens = 200;
      options.patience = 20;
      options.per_byte = seed % 2 == 0 ? 0.0F : 1.5F;
      WalkResult walk = random_walk(*constraint, nano_tokenizer(), options);
      ++walks;
      // An unfinished output is at least text: no broken character within.
      EXPECT_GE(valid_utf8_prefix(walk.text) + 3, walk.text.size());
      if (!walk.ended)
        continue;
      ++ended;
      EXPECT_TRUE(is_valid_utf8(walk.text));
      Result<JsonValue> value = parse_json(walk.text);
      ASSERT_TRUE(value.has_value()) << walk.text;
      EXPECT_TRUE(satisfies(document, *value, document.root())) << walk.text;
    }
  }
  EXPECT_GT(ended, walks * 8 / 10);
}

TEST(JsonGrammar, LayoutsThatModelsWrite) {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"array","items":{"type":)"
      R"("integer"}},"b":{"type":"object","additionalProperties":true}}})";
  for (const char* text :
       {R"({"a":[1,2],"b":{}})",
        R"({"a": [1, 2], "b": {"c": null}})",
        "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}",
        "{\n\t\"a\": [],\n\t\"b\": { }\n}",
        R"({ "a": [ 1 ] })"})
    EXPECT_TRUE(accepts(schema, text)) << text;
  for (const char* text :
       {R"({"a" : []})",
        R"({"a":  []})",
        " {}",
        "{} ",
        "{\n\n}",
        "{\"a\":[1 ,2]}",
        "{\"a\":[1,\r\n2]}"})
    EXPECT_FALSE(accepts(schema, text)) << text;
}

TEST(JsonGrammar, WhiteSpaceIsBounded) {
  const std::string schema = R"({"type":"array","items":{"type":"null"}})";
  EXPECT_TRUE(accepts(schema, "[\n" + std::string(24, ' ') + "null]"));
  EXPECT_FALSE(accepts(schema, "[\n" + std::string(25, ' ') + "null]"));
  EXPECT_TRUE(accepts(schema, "[\n" + std::string(8, '\t') + "null]"));
  EXPECT_FALSE(accepts(schema, "[\n" + std::string(9, '\t') + "null]"));
}

TEST(JsonGrammar, StringsAreJsonStrings) {
  const std::string any = R"({"type":"string"})";
  for (const char* text :
       {R"("\"\\\/\b\f\n\r\t")",
        R"("\u0041\u00e9\uD83D\uDE00")",
        R"("é😀")",
        "\"\x7f\"",
        R"("\u0000")"})
    EXPECT_TRUE(accepts(any, text)) << text;
  for (const char* text :
       {R"("\x")",
        R"("\uD83D")",
        R"("\uDE00")",
        R"("\uD83D\u0041")",
        R"("\u12g4")",
        "\"\n\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"",
        "a"})
    EXPECT_FALSE(accepts(any, text)) << text;
}

TEST(JsonGrammar, LengthsCountCharacters) {
  const std::string three = R"({"type":"string","minLength":3,"maxLength":3})";
  for (const char* text :
       {R"("abc")",
        R"("日本語")",
        R"("😀😀😀")",
        R"("\n\"\\")",
        R"("\u0041\uD83D\uDE00z")"})
    EXPECT_TRUE(accepts(three, text)) << text;
  for (const char* text : {R"("ab")", R"("abcd")", R"("日本")", R"("\n\n")"})
    EXPECT_FALSE(accepts(three, text)) << text;
}

TEST(JsonGrammar, AnObjectIsAnObject) {
  auto constraint = nano_grammars().json_object().value();
  for (const char* text : {"{}", R"({"a": [1, {"b": null}], "c": "d"})"})
    EXPECT_TRUE(accepts_text(*constraint, nano_tokenizer(), text)) << text;
  for (const char* text : {"[]", "1", "\"a\"", "{\"a\"}", "{\"a\":1,}"})
    EXPECT_FALSE(accepts_text(*constraint, nano_tokenizer(), text)) << text;
}

// Keys with free names cannot take a declared name, whatever its spelling.
TEST(JsonGrammar, FreeNamesExcludeDeclaredOnes) {
  const std::string schema =
      R"({"type":"object","properties":{"a\n":{"type":"integer"}},)"
      R"("additionalProperties":{"type":"string"}})";
  EXPECT_TRUE(accepts(schema, R"({"a\n":1,"b":"x"})"));
  EXPECT_TRUE(accepts(schema, R"({"a":"x"})"));
  EXPECT_FALSE(accepts(schema, R"({"a\n":"x"})"));
  EXPECT_FALSE(accepts(schema, R"({"a\u000a":"x"})"));
  EXPECT_FALSE(accepts(schema, R"({"b":1})"));
}

}  // namespace
}  // namespace hadal
