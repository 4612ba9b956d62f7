// Masks: the quick ones equal those of trying every token, and what they may
// never hold.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "generation/grammar/testing/grammar_walk.h"
#include "generation/grammar/token_trie.h"
#include "hadal/error.h"
#include "text/tokenizer_test_files.h"

namespace hadal {
namespace {

std::vector<JsonValue> schemas() {
  std::vector<JsonValue> result;
  std::istringstream file(read_test_file("schemas.jsonl"));
  for (std::string line; std::getline(file, line);)
    result.push_back(at(parse_json(line).value(), "schema"));
  return result;
}

ToolGrammarOptions tool_options() {
  ToolGrammarOptions options;
  for (const char* tool :
       {R"({"name":"find","strict":true,"parameters":{"type":"object",)"
        R"("properties":{"text":{"type":"string","maxLength":9},"n":)"
        R"({"type":["integer","string"]}},"required":["text"],)"
        R"("additionalProperties":false}})",
        R"({"name":"finish"})",
        R"({"name":"any","parameters":{"type":"object"}})"})
    options.tools.push_back(parse_json(tool).value());
  return options;
}

bool can_accept(const TokenConstraint& constraint, int32_t token) {
  std::unique_ptr<TokenConstraint> copy = constraint.clone();
  try {
    copy->accept(token);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Tokens whose bit differs from what accept says; `stride` tries only some.
std::vector<int32_t> wrong_tokens(
    TokenConstraint& constraint, int32_t vocabulary, int32_t stride) {
  const TokenMask mask = constraint.mask();
  std::vector<int32_t> wrong;
  for (int32_t token = stride - 1; token < vocabulary; token += stride)
    if (mask.allows(token) != can_accept(constraint, token))
      wrong.push_back(token);
  return wrong;
}

// Random walks, with a comparison every few tokens.
void compare_along_walks(
    const TokenConstraint& start,
    const Tokenizer& tokenizer,
    uint64_t seed,
    int32_t stride,
    int every) {
  auto source = start.clone();
  WalkOptions options;
  options.seed = seed;
  options.max_tokens = 60;
  options.patience = 10;
  options.per_byte = seed % 2 == 0 ? 0.0F : 1.0F;
  const WalkResult walk = random_walk(*source, tokenizer, options);
  auto replay = start.clone();
  int step = 0;
  for (int32_t token : walk.tokens) {
    if (step++ % every == 0) {
      EXPECT_EQ(
          wrong_tokens(*replay, tokenizer.size(), stride),
          std::vector<int32_t>())
          << "behind " << walk.text.substr(0, 200);
    }
    replay->accept(token);
  }
  EXPECT_EQ(
      wrong_tokens(*replay, tokenizer.size(), stride), std::vector<int32_t>());
}

TEST(TokenMask, EqualsTryingEveryToken) {
  GrammarCache grammars(nano_tokenizer());
  uint64_t seed = 1;
  for (const JsonValue& schema : schemas()) {
    SCOPED_TRACE(print_json(schema));
    compare_along_walks(
        *grammars.json_schema(schema).value(), nano_tokenizer(), ++seed, 1, 13);
  }
}

TEST(TokenMask, EqualsTryingEveryTokenOfTools) {
  GrammarCache grammars(nano_tokenizer());
  using Start = ToolGrammarOptions::Start;
  for (Start start : {Start::block, Start::inside_block}) {
    ToolGrammarOptions options = tool_options();
    options.start = start;
    for (uint64_t seed = 1; seed < 6; ++seed)
      compare_along_walks(
          *grammars.tool_calls(options).value(), nano_tokenizer(), seed, 1, 5);
  }
}

TEST(TokenMask, EqualsTryingTokensOfTheRealVocabulary) {
  GrammarCache grammars(v4_tokenizer());
  uint64_t seed = 1;
  const std::vector<JsonValue> all = schemas();
  for (size_t i = 0; i < all.size(); i += 9) {
    SCOPED_TRACE(print_json(all[i]));
    compare_along_walks(
        *grammars.json_schema(all[i]).value(), v4_tokenizer(), ++seed, 7, 29);
  }
}

TEST(TokenMask, HoldsNoControlToken) {
  for (const Tokenizer* tokenizer : {&nano_tokenizer(), &v4_tokenizer()}) {
    GrammarCache grammars(*tokenizer);
    auto constraint = grammars.json_schema(JsonValue::object({})).value();
    // Inside a string, where nearly everything else may stand.
    ASSERT_TRUE(follows(*constraint, byte_tokens(*tokenizer, "\"a")));
    const TokenMask mask = constraint->mask();
    for (int32_t token = 0; token < tokenizer->size(); ++token)
      if (tokenizer->is_added(token)) {
        EXPECT_FALSE(mask.allows(token)) << tokenizer->bytes(token);
      }
    EXPECT_TRUE(mask.allows(
        tokenizer->find("hello").value_or(tokenizer->find("a").value())));
  }
}

TEST(TokenMask, EndsWhereTheTextMayEnd) {
  const Tokenizer& tokenizer = nano_tokenizer();
  GrammarCache grammars(tokenizer);
  auto constraint =
      grammars.json_schema(parse_json(R"({"type":"array","items":{}})").value())
          .value();
  EXPECT_FALSE(constraint->mask().allows(tokenizer.eos_id()));
  ASSERT_TRUE(follows(*constraint, byte_tokens(tokenizer, "[]")));
  const TokenMask end = constraint->mask();
  for (int32_t token = 0; token < tokenizer.size(); ++token)
    EXPECT_EQ(end.allows(token), token == tokenizer.eos_id()) << token;
  constraint->accept(tokenizer.eos_id());
  EXPECT_TRUE(constraint->mask().allows(tokenizer.eos_id()));
}

TEST(TokenMask, CloneGoesItsOwnWay) {
  const Tokenizer& tokenizer = nano_tokenizer();
  GrammarCache grammars(tokenizer);
  auto first = grammars.json_schema(JsonValue::object({})).value();
  ASSERT_TRUE(follows(*first, byte_tokens(tokenizer, "[1")));
  auto second = first->clone();
  ASSERT_TRUE(follows(*second, byte_tokens(tokenizer, "]")));
  EXPECT_FALSE(first->mask().allows(tokenizer.eos_id()));
  EXPECT_TRUE(second->mask().allows(tokenizer.eos_id()));
}

TEST(TokenMask, AcceptRefusesWhatWasNotAllowed) {
  const Tokenizer& tokenizer = nano_tokenizer();
  GrammarCache grammars(tokenizer);
  auto constraint =
      grammars.json_schema(parse_json(R"({"type":"null"})").value()).value();
  for (int32_t token :
       {tokenizer.find("x").value(),
        tokenizer.eos_id(),
        tokenizer.bos_id(),
        -1,
        tokenizer.size()}) {
    try {
      constraint->clone()->accept(token);
      FAIL() << token;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::internal);
    }
  }
}

// Many stacks at once: branches that only differ far inside.
TEST(TokenMask, ManyBranchesAtOnceStayCompletable) {
  std::string branches;
  for (int i = 0; i < 40; ++i)
    branches += (i == 0 ? "" : ",") +
                std::string(R"({"type":"object","properties":{"k":{"type":)") +
                R"("array","items":{"$ref":"#"}},"t":{"const":)" +
                std::to_string(i) +
                R"(}},"required":["k","t"],"additionalProperties":false})";
  GrammarCache grammars(nano_tokenizer());
  auto constraint =
      grammars
          .json_schema(parse_json(R"({"anyOf":[)" + branches + "]}").value())
          .value();
  ASSERT_TRUE(follows(
      *constraint,
      byte_tokens(nano_tokenizer(), R"({"k":[{"k":[{"k":[{"k":[)")));
  WalkOptions options;
  options.max_tokens = 600;
  options.patience = 0;
  EXPECT_TRUE(random_walk(*constraint, nano_tokenizer(), options).ended);
}

TEST(GrammarCache, ServesThreadsAtOnce) {
  GrammarCache grammars(nano_tokenizer(), {.max_grammars = 5});
  const std::vector<JsonValue> all = schemas();
  std::vector<std::string> texts[4];
  std::vector<std::jthread> threads;
  for (auto& mine : texts)
    threads.emplace_back([&] {
      for (size_t i = 0; i < all.size(); i += 8) {
        auto constraint = grammars.json_schema(all[i]).value();
        mine.push_back(
            random_walk(
                *constraint, nano_tokenizer(), {.seed = 9, .max_tokens = 30})
                .text);
      }
    });
  threads.clear();
  for (const auto& other : texts)
    EXPECT_EQ(other, texts[0]);
}

TEST(TokenTrie, HoldsEveryTextTokenOnce) {
  for (const Tokenizer* tokenizer : {&nano_tokenizer(), &v4_tokenizer()}) {
    const TokenTrie trie(*tokenizer);
    EXPECT_GE(trie.marker_token(), 0);
    std::vector<int> seen(static_cast<size_t>(tokenizer->size()));
    std::string path;
    for (const TokenTrie::Node& node : trie.nodes()) {
      if (node.depth == 0)
        continue;
      path.resize(node.depth - size_t{1});
      path += static_cast<char>(node.byte);
      if (node.token < 0)
        continue;
      EXPECT_EQ(path, trie.spelling(node.token));
      ++seen[static_cast<size_t>(node.token)];
    }
    // Byte 0xFF, which no text holds, and the control tokens.
    int left_out = 0;
    for (int32_t token = 0; token < tokenizer->size(); ++token) {
      const bool is_text =
          !tokenizer->is_added(token) &&
          tokenizer->bytes(token).find('\xFF') == std::string_view::npos;
      left_out += is_text ? 0 : 1;
      EXPECT_EQ(
          seen[static_cast<size_t>(token)],
          is_text || token == trie.marker_token() ? 1 : 0)
          << token;
    }
    EXPECT_LT(left_out, 1'300);
  }
}

}  // namespace
}  // namespace hadal
