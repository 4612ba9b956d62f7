// Forbidden words, two forms at once, and the grammars behind the demands.
#include <gtest/gtest.h>

#include "server/api/bad_words.h"
#include "server/api/either_constraint.h"
#include "server/api/grammar_source.h"
#include "server/api/testing.h"

namespace hadal::testing {
namespace {

// Allows some ids; remembers what it accepted.
class Allows : public TokenConstraint {
 public:
  explicit Allows(std::vector<int32_t> ids) : words_(2) {
    for (int32_t id : ids)
      words_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  }
  TokenMask mask() override { return {words_}; }
  void accept(int32_t token) override { accepted.push_back(token); }
  bool wants_greedy() const override { return true; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<Allows>(*this);
  }
  std::vector<int32_t> accepted;

 private:
  std::vector<uint64_t> words_;
};

TEST(BadWords, TheLastTokenOfASequenceIsForbidden) {
  BadWordsConstraint constraint({{5}, {7, 8}, {7, 9, 8}}, 130, nullptr);
  EXPECT_FALSE(constraint.mask().allows(5));
  EXPECT_TRUE(constraint.mask().allows(8));
  EXPECT_TRUE(constraint.mask().allows(129));
  EXPECT_FALSE(constraint.mask().allows(130));
  constraint.accept(7);
  EXPECT_FALSE(constraint.mask().allows(8));
  EXPECT_FALSE(constraint.clone()->mask().allows(8));
  constraint.accept(9);
  EXPECT_FALSE(constraint.mask().allows(8));
  EXPECT_TRUE(constraint.mask().allows(7));
  constraint.accept(9);
  EXPECT_TRUE(constraint.mask().allows(8));
  EXPECT_FALSE(constraint.wants_greedy());
}

TEST(BadWords, AGrammarIsNarrowedButNeverEmptied) {
  BadWordsConstraint constraint(
      {{5}, {6}}, 130, std::make_unique<Allows>(std::vector<int32_t>{5, 9}));
  EXPECT_FALSE(constraint.mask().allows(5));
  EXPECT_TRUE(constraint.mask().allows(9));
  EXPECT_TRUE(constraint.wants_greedy());
  BadWordsConstraint forced(
      {{5}}, 130, std::make_unique<Allows>(std::vector<int32_t>{5}));
  EXPECT_TRUE(forced.mask().allows(5));
}

TEST(BadWords, WordsAtTheStartAndBehindASpace) {
  Tokenizer tokenizer = test_model().tokenizer;
  auto sequences = bad_word_sequences({"the", "the"}, tokenizer);
  ASSERT_EQ(sequences.size(), 2u);
  EXPECT_EQ(tokenizer.decode(sequences[0]), "the");
  EXPECT_EQ(tokenizer.decode(sequences[1]), " the");
}

TEST(EitherConstraint, TheTokensDecide) {
  auto make = [] {
    return std::make_unique<EitherConstraint>(
        std::make_unique<Allows>(std::vector<int32_t>{1, 2}),
        std::make_unique<Allows>(std::vector<int32_t>{2, 70}));
  };
  auto either = make();
  for (int32_t id : {1, 2, 70})
    EXPECT_TRUE(either->mask().allows(id));
  EXPECT_FALSE(either->mask().allows(3));
  either->accept(2);  // of both
  EXPECT_TRUE(either->mask().allows(70));
  auto other = either->clone();
  either->accept(1);
  EXPECT_FALSE(either->mask().allows(70));
  other->accept(70);
  EXPECT_FALSE(other->mask().allows(1));
  EXPECT_TRUE(other->mask().allows(2));
}

class Grammars : public ::testing::Test {
 protected:
  Grammars() : source(served.tokenizer, ModelRevision::v4) {}

  // How much of the text the constraint takes, and whether it may end there.
  std::string accepted(const ConstraintDemand& demand, std::string_view text) {
    auto made = source.make(demand);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    TokenConstraint& constraint = **made;
    std::string taken;
    for (int32_t id :
         served.tokenizer.encode(text, SpecialTokens::recognised)) {
      if (!constraint.mask().allows(id))
        return taken + "|";
      constraint.accept(id);
      taken += served.tokenizer.bytes(id);
    }
    return taken + (constraint.mask().allows(served.control.eos) ? "." : "...");
  }

  ServedModel served = test_model();
  GrammarSource source;
};

ConstraintDemand object_demand() {
  ConstraintDemand demand;
  demand.answer_format = {
      AnswerFormat::Kind::schema,
      parse_json(R"({"type":"object","properties":{"a":{"type":"integer"}},
          "required":["a"],"additionalProperties":false})")
          .value()};
  return demand;
}

std::vector<JsonValue> one_tool() {
  return {parse_json(R"({"name":"f","parameters":{"type":"object",
      "properties":{"n":{"type":"integer"}},"required":["n"]}})")
              .value()};
}

constexpr const char* kBlock =
    "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
    "<｜DSML｜parameter name=\"n\" string=\"false\">3</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

TEST_F(Grammars, Answers) {
  EXPECT_EQ(accepted(object_demand(), R"({"a": 1})"), R"({"a": 1}.)");
  EXPECT_EQ(accepted(object_demand(), R"({"a": 1)"), R"({"a": 1...)");
  EXPECT_TRUE(accepted(object_demand(), "Hello").ends_with("|"));
  ConstraintDemand thinking = object_demand();
  thinking.start = ChatParserOptions::Start::reasoning;
  EXPECT_EQ(
      accepted(thinking, "free text</think>{\"a\": 1}"),
      "free text</think>{\"a\": 1}.");
}

TEST_F(Grammars, ContinuedAnswers) {
  ConstraintDemand demand = object_demand();
  demand.continued_text = "{\"a\": ";
  EXPECT_EQ(accepted(demand, "1}"), "1}.");
  demand.continued_text = "Sure: ";
  auto refused = source.make(demand);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field, "response_format");
}

TEST_F(Grammars, ForcedCalls) {
  ConstraintDemand demand;
  demand.tools = one_tool();
  demand.tool_choice = ToolChoice::required;
  EXPECT_EQ(accepted(demand, kBlock), std::string(kBlock) + ".");
  EXPECT_TRUE(accepted(demand, "Hello").ends_with("|"));
  demand.start = ChatParserOptions::Start::tool_block;
  std::string inside = std::string(kBlock).substr(
      std::string_view("\n\n<｜DSML｜tool_calls>\n").size());
  EXPECT_EQ(accepted(demand, inside), inside + ".");
}

TEST_F(Grammars, AnswerOrCalls) {
  ConstraintDemand demand = object_demand();
  demand.tools = one_tool();
  EXPECT_EQ(accepted(demand, R"({"a": 1})"), R"({"a": 1}.)");
  EXPECT_EQ(accepted(demand, kBlock), std::string(kBlock) + ".");
  EXPECT_TRUE(accepted(demand, "Hello").ends_with("|"));
}

TEST_F(Grammars, StrictToolsLeaveTextFree) {
  ConstraintDemand demand;
  demand.tools = one_tool();
  demand.tools[0].set("strict", JsonValue::boolean(true));
  EXPECT_EQ(accepted(demand, "Hello"), "Hello.");
  EXPECT_EQ(
      accepted(demand, "Hi" + std::string(kBlock)),
      "Hi" + std::string(kBlock) + ".");
}

TEST_F(Grammars, RefusalsNameTheKeyword) {
  ConstraintDemand demand = object_demand();
  demand.answer_format.schema =
      parse_json(R"({"type":"object","properties":{"a":{"not":{}}}})").value();
  auto refused = source.make(demand);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().field.starts_with(
      "response_format.json_schema.schema.properties.a"))
      << refused.error().field;
}

}  // namespace
}  // namespace hadal::testing
