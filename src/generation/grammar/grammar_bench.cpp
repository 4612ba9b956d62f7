// What constrained decoding costs with the real vocabulary of 129,280 tokens,
// one thread: masks and accepted tokens when the tables are known, the first
// use of a schema, the trie.
//
//   hadal_grammar_bench [--benchmark_filter=...]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "generation/grammar/constraint_factory.h"

namespace hadal {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer loaded = Tokenizer::load(HADAL_TOKENIZER_V4);
  return loaded;
}

struct Case {
  std::string name;
  std::string schema;  // a list: tools
  std::string output;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"json_object",
       R"({"type":"object"})",
       R"({"title": "A walk in the woods", "count": 12, "tags": ["fox", "owl"], )"
       R"("nested": {"a": [1, 2.5, null, true], "text": "It was late, and the )"
       R"(fox said: \"Good night.\""}})"},
      {"person",
       R"({"type":"object","properties":{"name":{"type":"string"},"age":)"
       R"({"type":"integer","minimum":0,"maximum":150},"email":{"type":)"
       R"("string","format":"email"},"tags":{"type":"array","items":{"type":)"
       R"("string","maxLength":20},"maxItems":5}},"required":["name","age",)"
       R"("email","tags"],"additionalProperties":false})",
       R"({"name": "Nina Müller", "age": 34, "email": "nina@example.org", )"
       R"("tags": ["fox", "story teller"]})"},
      {"union of 10 objects",
       [] {
         std::string branches;
         for (int i = 0; i < 10; ++i)
           branches +=
               (i ? "," : "") +
               std::string(R"({"type":"object","properties":{"kind":)") +
               R"({"const":"kind_)" + std::to_string(i) +
               R"("},"text":{"type":"string"},"value_)" + std::to_string(i) +
               R"(":{"type":"number"}},"required":["kind","text",)" +
               R"("value_)" + std::to_string(i) + R"("]})";
         return R"({"type":"array","items":{"anyOf":[)" + branches + "]}}";
       }(),
       R"([{"kind": "kind_3", "text": "three of them", "value_3": 3.25}, )"
       R"({"kind": "kind_9", "text": "and nine", "value_9": 9}])"},
      {"30 optional members",
       [] {
         std::string members;
         for (int i = 0; i < 30; ++i)
           members += (i ? "," : "") + std::string("\"field_") +
                      std::to_string(i) + R"(":{"type":["string","null"]})";
         return R"({"type":"object","properties":{)" + members + "}}";
       }(),
       R"({"field_2": "two", "field_7": null, "field_21": "twenty-one"})"},
      {"tools",
       R"([{"name":"get_weather","strict":true,"parameters":{"type":"object",)"
       R"("properties":{"city":{"type":"string"},"days":{"type":"integer",)"
       R"("minimum":1,"maximum":14}},"required":["city"]}},{"name":"read_file",)"
       R"("strict":true,"parameters":{"type":"object","properties":{"path":)"
       R"({"type":"string"}},"required":["path"]}}])",
       "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n"
       "<｜DSML｜parameter name=\"city\" string=\"true\">Paris, the old town"
       "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" "
       "string=\"false\">3"
       "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"}};
  return all;
}

std::unique_ptr<TokenConstraint> constraint_of(
    GrammarCache& grammars, const Case& one) {
  const JsonValue schema = parse_json(one.schema).value();
  if (!schema.is_array())
    return grammars.json_schema(schema).value();
  ToolGrammarOptions options;
  options.tools = schema.items();
  return grammars.tool_calls(options).value();
}

std::vector<int32_t> tokens_of(const Case& one) {
  return tokenizer().encode(one.output, SpecialTokens::recognised);
}

double microseconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

// A whole output, mask by mask; time a token, and the slowest mask.
void known(benchmark::State& state, const Case& one) {
  GrammarCache grammars(tokenizer());
  auto start = constraint_of(grammars, one);
  const std::vector<int32_t> tokens = tokens_of(one);
  std::vector<double> slowest(tokens.size() + 1, 1e9);
  for (auto _ : state) {
    auto constraint = start->clone();
    for (size_t i = 0; i <= tokens.size(); ++i) {
      const auto begin = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(constraint->mask().words.data());
      slowest[i] = std::min(slowest[i], microseconds(begin));
      if (i < tokens.size())
        constraint->accept(tokens[i]);
    }
  }
  const double masks = static_cast<double>(tokens.size() + 1);
  state.counters["us_a_token"] = benchmark::Counter(
      masks / 1e6,
      benchmark::Counter::kIsIterationInvariantRate |
          benchmark::Counter::kInvert);
  state.counters["slowest_mask_us"] =
      *std::max_element(slowest.begin(), slowest.end());
  state.counters["tokens"] = masks;
}

// From the schema to the last mask, nothing known but the cache's own tables.
void first_use(benchmark::State& state, const Case& one) {
  const std::vector<int32_t> tokens = tokens_of(one);
  double compile = 0;
  double slowest = 0;
  for (auto _ : state) {
    state.PauseTiming();
    GrammarCache grammars(tokenizer());
    state.ResumeTiming();
    auto begin = std::chrono::steady_clock::now();
    auto constraint = constraint_of(grammars, one);
    compile = microseconds(begin);
    slowest = 0;
    for (int32_t token : tokens) {
      begin = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(constraint->mask().words.data());
      slowest = std::max(slowest, microseconds(begin));
      constraint->accept(token);
    }
  }
  state.counters["compile_us"] = compile;
  state.counters["slowest_mask_us"] = slowest;
}

void trie(benchmark::State& state) {
  GrammarCacheInfo info;
  for (auto _ : state)
    info = GrammarCache(tokenizer()).info();
  state.counters["nodes"] = static_cast<double>(info.trie_nodes);
  state.counters["bytes"] = static_cast<double>(info.trie_bytes);
}

void declare() {
  using benchmark::RegisterBenchmark;
  for (const Case& one : cases())
    RegisterBenchmark(("known/" + one.name).c_str(), known, one)
        ->Unit(benchmark::kMicrosecond);
  for (const Case& one : cases())
    RegisterBenchmark(("first_use/" + one.name).c_str(), first_use, one)
        ->Unit(benchmark::kMicrosecond);
  RegisterBenchmark("trie", trie)->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  hadal::declare();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
