// Schemas that cannot be honoured are refused, with the keyword's path.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "generation/grammar/constraint_factory.h"
#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/tool_grammar.h"
#include "text/tokenizer_test_files.h"

namespace hadal {
namespace {

struct Refusal {
  std::string schema;
  std::string field;    // behind "schema"
  std::string message;  // a part of it
};

GrammarCache& grammars() {
  static GrammarCache cache(nano_tokenizer());
  return cache;
}

void expect_refused(
    const std::string& schema,
    const std::string& field,
    const std::string& message) {
  auto made =
      grammars().json_schema(parse_json(schema).value(), {.path = "schema"});
  ASSERT_FALSE(made.has_value()) << schema;
  EXPECT_EQ(made.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(made.error().field, "schema" + field);
  EXPECT_NE(made.error().message.find(message), std::string::npos)
      << made.error().message;
  EXPECT_TRUE(made.error().message.starts_with("schema" + field))
      << made.error().message;
}

TEST(SchemaRefusal, NamesTheKeyword) {
  const std::vector<Refusal> refusals = {
      {R"({"not":{}})", ".not", "not supported"},
      {R"({"if":{},"then":{}})", ".if", "anyOf"},
      {R"({"type":"array","contains":{}})", ".contains", "not supported"},
      {R"({"type":"object","dependentRequired":{}})",
       ".dependentRequired",
       "not supported"},
      {R"({"type":"object","properties":{"a":{"multipleOf":3}}})",
       ".properties.a.multipleOf",
       "found 3"},
      {R"({"type":"number","multipleOf":0.01})", ".multipleOf", "0.01"},
      {R"({"type":"array","uniqueItems":true})", ".uniqueItems", "differ"},
      {R"({"type":"string","pattern":"(?=a)b"})", ".pattern", "look-ahead"},
      {R"({"type":"string","pattern":"a{9999}b{9999}c{9999}"})",
       ".pattern",
       "limit of 16384"},
      {R"({"type":"string","pattern":5})", ".pattern", "expected a string"},
      {R"({"type":"text"})", ".type", "found \"text\""},
      {R"({"type":["string",5]})", ".type", "found 5"},
      {R"({"type":"string","minLength":-1})", ".minLength", "found -1"},
      {R"({"type":"string","maxLength":"9"})",
       ".maxLength",
       "expected a number"},
      {R"({"type":"integer","minimum":"1"})", ".minimum", "found \"1\""},
      {R"({"type":"integer","minimum":1,"exclusiveMinimum":true})",
       ".exclusiveMinimum",
       "found true"},
      {R"({"$ref":"#/$defs/x"})", ".$ref", "leads to nothing"},
      {R"({"$ref":"other.json"})", ".$ref", "outside"},
      {R"({"$ref":"#anchor"})", ".$ref", "anchor"},
      {R"({"$ref":7})", ".$ref", "expected a string"},
      {R"({"$ref":"#"})", "", "refers to itself"},
      {R"({"anyOf":[{"type":"null"},{"$ref":"#"}]})", "", "refers to itself"},
      {R"({"anyOf":{}})", ".anyOf", "expected an array"},
      {R"({"properties":[]})", ".properties", "expected an object"},
      {R"({"required":"a"})", ".required", "expected an array"},
      {R"({"type":"array","items":5})", ".items", "expected a schema"},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})",
       ".oneOf",
       "branches 0 and 1"},
      // Formats only annotate for many readers.
      {R"({"oneOf":[{"type":"string","format":"uri-reference"},)"
       R"({"type":"string","format":"ipv4"}]})",
       ".oneOf",
       "branches 0 and 1"},
      {R"({"oneOf":[{"type":"object","properties":{"a":{}}},{"type":"object"}]})",
       ".oneOf",
       "anyOf"},
      {R"({"type":"object","minProperties":3,"additionalProperties":{}})",
       ".minProperties",
       "3 members"},
      {R"({"type":"object","propertyNames":{"anyOf":[{},{}]}})",
       ".propertyNames",
       "branches"},
      {R"({"type":"object","patternProperties":{"(":{}}})",
       ".patternProperties",
       "without ')'"},
      {R"({"type":"number","minimum":0.12345678901234567})",
       ".minimum",
       "digits"},
      {R"({"type":"array","items":{"type":"null"},"minItems":2000000})",
       ".minItems",
       "limit of 200000"},
      {"false", "", "no value satisfies"},
      {R"({"type":"integer","minimum":5,"maximum":4})", "", "no value"},
      {R"({"type":"string","enum":[1,2]})", "", "no value"},
      {R"({"type":"object","properties":{"a":false},"required":["a"]})",
       "",
       "no value"},
      {R"({"type":"object","required":["a"],"additionalProperties":false})",
       "",
       "no value"},
      {R"({"type":"array","items":{"$ref":"#"},"minItems":1})", "", "no value"},
      {R"("text")", "", "expected a schema"},
  };
  for (const Refusal& one : refusals) {
    SCOPED_TRACE(one.schema);
    expect_refused(one.schema, one.field, one.message);
  }
}

TEST(SchemaRefusal, LimitsHoldAtTheirBorder) {
  const auto nested = [](size_t depth) {
    std::string schema = R"({"type":"null"})";
    for (size_t i = 1; 2 * i < depth; ++i)
      schema = R"({"properties":{"a":)" + schema + "}}";
    return schema;
  };
  EXPECT_TRUE(
      grammars().json_schema(parse_json(nested(kMaxSchemaDepth)).value()));
  expect_refused(nested(kMaxSchemaDepth + 4), "", "limit of 128");

  const auto listing = [](size_t values) {
    std::string schema = R"({"enum":[0)";
    for (size_t i = 1; i < values; ++i)
      schema += "," + std::to_string(i);
    return schema + "]}";
  };
  // Two more values are the schema and the list.
  EXPECT_TRUE(grammars().json_schema(parse_json(listing(9'000)).value()));
  expect_refused(listing(kMaxSchemaValues - 1), "", "limit of 50000");

  const auto branches = [](int sites) {
    std::string schema = R"({"allOf":[{})";
    for (int i = 0; i < sites; ++i)
      schema += R"(,{"anyOf":[{"minLength":)" + std::to_string(i) +
                R"(},{"maxLength":)" + std::to_string(20 + i) + "}]}";
    return schema + R"(],"type":"string"})";
  };
  EXPECT_TRUE(grammars().json_schema(parse_json(branches(8)).value()));
  auto made = grammars().json_schema(parse_json(branches(12)).value());
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().message.find("limit of 512"), std::string::npos);
}

TEST(SchemaRefusal, LimitsOfMembersToolsAndReferences) {
  const auto members = [](size_t count) {
    std::string schema = R"({"type":"object","required":["m0"],"properties":{)";
    for (size_t i = 0; i < count; ++i)
      schema += fmt::format(R"({}"m{}":{{"type":"null"}})", i ? "," : "", i);
    return schema + "}}";
  };
  EXPECT_TRUE(grammars().json_schema(parse_json(members(kMaxMembers)).value()));
  expect_refused(members(kMaxMembers + 1), ".properties", "limit of 1000");

  const auto chain = [](size_t count) {
    std::string schema = R"({"$ref":"#/$defs/d0","$defs":{)";
    for (size_t i = 0; i < count; ++i)
      schema += fmt::format(R"("d{}":{{"$ref":"#/$defs/d{}"}},)", i, i + 1);
    return schema + fmt::format(R"("d{}":{{"type":"null"}}}}}})", count);
  };
  EXPECT_TRUE(
      grammars().json_schema(parse_json(chain(kMaxSchemaSteps - 1)).value()));
  EXPECT_FALSE(
      grammars().json_schema(parse_json(chain(kMaxSchemaSteps)).value()));

  ToolGrammarOptions options;
  for (size_t i = 0; i < kMaxGrammarTools; ++i)
    options.tools.push_back(JsonValue::object(
        {{"name", JsonValue::string(fmt::format("t{}", i))}}));
  EXPECT_TRUE(grammars().tool_calls(options));
  options.tools.push_back(options.tools[0]);
  auto made = grammars().tool_calls(options);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().field, "tools");
}

// A schema that is refused stays refused, and others are not hurt.
TEST(SchemaRefusal, RefusalsAreNotKept) {
  const JsonValue schema = parse_json(R"({"not":{}})").value();
  for (const char* path : {"a", "b"}) {
    auto made = grammars().json_schema(schema, {.path = path});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().field, std::string(path) + ".not");
  }
}

}  // namespace
}  // namespace hadal
