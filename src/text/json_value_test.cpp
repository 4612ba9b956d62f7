// JSON: the printing vectors, order and digits kept, every refusal, the limits.
#include "text/json_value.h"

#include <gtest/gtest.h>

#include "text/test_files.h"

namespace hadal {
namespace {

std::string reprint(std::string_view text) {
  JsonReadOptions options;
  options.python_constants = true;
  return print_json(parse_json(text, options).value());
}

std::string error_of(std::string_view text) {
  Result<JsonValue> read = parse_json(text);
  EXPECT_FALSE(read.has_value()) << text;
  EXPECT_FALSE(is_json(text)) << text;
  return read.has_value() ? "" : read.error().message;
}

TEST(JsonValue, PrintsTheVectorsAsPythonDoes) {
  JsonValue cases = read_test_json("encoding/json_dumps_cases.json");
  ASSERT_EQ(cases.items().size(), 35u);
  for (const JsonValue& one : cases.items())
    EXPECT_EQ(reprint(at(one, "in").as_string()), at(one, "out").as_string());
}

TEST(JsonValue, PrintingIsAFixpoint) {
  JsonValue cases = read_test_json("encoding/json_dumps_cases.json");
  for (const JsonValue& one : cases.items()) {
    const std::string& printed = at(one, "out").as_string();
    EXPECT_EQ(reprint(printed), printed);
  }
}

TEST(JsonValue, KeepsOrderAndDigits) {
  EXPECT_EQ(
      reprint(
          "{\"z\":1,\"a\":[true,false,null],\"m\":{\"y\":-12.50,\"b\":\"\"}}"),
      "{\"z\": 1, \"a\": [true, false, null], \"m\": {\"y\": -12.5, \"b\": "
      "\"\"}}");
  EXPECT_EQ(reprint("-98765432109876543210"), "-98765432109876543210");
}

TEST(JsonValue, RepeatedKeyKeepsFirstPositionAndLastValue) {
  EXPECT_EQ(
      reprint("{\"a\":1,\"b\":2,\"a\":{\"c\":3}}"),
      "{\"a\": {\"c\": 3}, \"b\": 2}");
}

TEST(JsonValue, RepeatedKeysInALargeObject) {
  std::string text = "{";
  for (int i = 0; i < 100; ++i)
    text += "\"k" + std::to_string(i) + "\":0,";
  text += "\"k3\":1,\"k50\":2}";
  JsonValue value = parse_json(text).value();
  EXPECT_EQ(value.members().size(), 100u);
  EXPECT_EQ(at(value, "k3").number_text(), "1");
  EXPECT_EQ(at(value, "k50").number_text(), "2");
  EXPECT_EQ(value.members()[50].key, "k50");
}

TEST(JsonValue, DoublesOutOfRange) {
  EXPECT_EQ(reprint("1e400"), "Infinity");
  EXPECT_EQ(reprint("-1e400"), "-Infinity");
  EXPECT_EQ(reprint("1e-400"), "0.0");
  EXPECT_EQ(reprint("-1e-400"), "-0.0");
  EXPECT_EQ(reprint("0.0e999999999999999999999"), "0.0");
  EXPECT_EQ(reprint("1e999999999999999999999"), "Infinity");
  EXPECT_EQ(reprint("1e-999999999999999999999"), "0.0");
  EXPECT_EQ(reprint("0." + std::string(400, '0') + "1e10"), "0.0");
  EXPECT_EQ(reprint(std::string(400, '9') + ".0"), "Infinity");
  EXPECT_EQ(reprint("1e-7"), "1e-07");
  EXPECT_EQ(reprint("9999999999999998.0"), "9999999999999998.0");
}

TEST(JsonValue, PythonConstantsOnlyWhenAskedFor) {
  EXPECT_EQ(
      reprint("[NaN, Infinity, -Infinity]"), "[NaN, Infinity, -Infinity]");
  EXPECT_NE(error_of("[NaN]").find("column 2"), std::string::npos);
  error_of("Infinity");
  error_of("-Infinity");
}

TEST(JsonValue, EscapesAndSurrogates) {
  JsonValue value =
      parse_json("\"\\u00e9\\uD83D\\uDE00\\/\\ud800x\\udc00\\ud800\\u0041\"")
          .value();
  EXPECT_EQ(
      value.as_string(),
      "\xC3\xA9\xF0\x9F\x98\x80/\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD"
      "A");
}

TEST(JsonValue, FindAndSet) {
  JsonValue value = parse_json("{\"a\":1,\"b\":2}").value();
  value.set("a", JsonValue::boolean(true));
  value.set("c", JsonValue());
  EXPECT_EQ(print_json(value), "{\"a\": true, \"b\": 2, \"c\": null}");
  EXPECT_EQ(value.find("d"), nullptr);
  EXPECT_EQ(JsonValue().find("a"), nullptr);
  EXPECT_EQ(value.type_name(), "object");
  EXPECT_EQ(parse_json("[1]").value(), parse_json(" [ 1 ] ").value());
  EXPECT_FALSE(parse_json("[1]").value() == parse_json("[2]").value());
}

TEST(JsonValue, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(
      error_of("{\"a\":\n  1 x}"),
      "JSON, line 2, column 5: found 'x', expected ',' or '}'");
  EXPECT_EQ(
      error_of(""),
      "JSON, line 1, column 1: found the end of the text, expected a value");
  EXPECT_NE(
      error_of("{a:1}").find("a key in double quotes"), std::string::npos);
  EXPECT_NE(error_of("{\"a\" 1}").find("':' after a key"), std::string::npos);
  EXPECT_NE(error_of("[1,]").find("a value"), std::string::npos);
  EXPECT_NE(error_of("[1 2]").find("',' or ']'"), std::string::npos);
  EXPECT_NE(error_of("1 2").find("the end of the document"), std::string::npos);
  EXPECT_NE(error_of("\"abc").find("closing quote"), std::string::npos);
  EXPECT_NE(error_of("\"a\nb\"").find("control character"), std::string::npos);
  EXPECT_NE(error_of("\"\\x\"").find("after a backslash"), std::string::npos);
  EXPECT_NE(error_of("\"\\u12g4\"").find("hexadecimal"), std::string::npos);
  EXPECT_NE(
      error_of("\"\\ud800\\u12\"").find("hexadecimal"), std::string::npos);
  for (const char* text :
       {"01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "nul",
        "tru",
        "'a'",
        "[",
        "{",
        "{\"a\":1,}",
        "\xEF\xBB\xBF"
        "1"})
    error_of(text);
}

TEST(JsonValue, InvalidUtf8IsRefusedWithItsPlace) {
  EXPECT_NE(
      error_of("\"a\xFF\"").find("invalid UTF-8 at byte 2"), std::string::npos);
  EXPECT_NE(
      error_of("\"\xED\xA0\x80\"").find("invalid UTF-8"), std::string::npos);
}

TEST(JsonValue, DepthLimit) {
  auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(is_json(nested(kMaxJsonDepth)));
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)).has_value());
  EXPECT_NE(
      error_of(nested(kMaxJsonDepth + 1)).find("more than 512"),
      std::string::npos);
  error_of(std::string(1'000'000, '['));
  std::string objects;
  for (size_t i = 0; i <= kMaxJsonDepth; ++i)
    objects += "{\"a\":";
  error_of(objects);
}

TEST(JsonValue, SizeLimit) {
  JsonReadOptions options;
  options.max_bytes = 10;
  EXPECT_TRUE(parse_json("\"12345678\"", options).has_value());
  Result<JsonValue> read = parse_json("\"123456789\"", options);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("the limit is 10"), std::string::npos);
}

}  // namespace
}  // namespace hadal
