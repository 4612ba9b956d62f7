// Speed of the tokenizer: load time, MB/s of encoding and decoding.
//
//   hadal_tokenizer_bench [benchmark flags] [text files...]
//
// The built-in texts are small and repeat themselves; give files of your own
// for numbers that mean something to you. One thread throughout.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "hadal/tokenizer.h"
#include "text/pretokenizer.h"

namespace hadal {
namespace {

const std::string kSource = HADAL_SOURCE_DIR;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Questions, stories and long documents in English.
std::string prose() {
  std::istringstream lines(read_file(kSource + "/models/nano/skills.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += nlohmann::json::parse(line)["prompt"].get<std::string>() + "\n";
  return text;
}

std::string code() {
  std::string text;
  for (const auto& entry :
       std::filesystem::directory_iterator(kSource + "/src/text")) {
    if (entry.path().extension() == ".cpp")
      text += read_file(entry.path());
  }
  return text;
}

// Every script and many odd characters.
std::string mixed() {
  std::istringstream lines(
      read_file(kSource + "/tests/data/tokenizer/v4_goldens.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += nlohmann::json::parse(line).value("text", "") + "\n";
  return text;
}

void count_bytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(
      static_cast<int64_t>(text.size()) * state.iterations());
}

void load(benchmark::State& state, const std::string& directory) {
  for (auto _ : state)
    benchmark::DoNotOptimize(Tokenizer::load(directory).size());
}

void encode(
    benchmark::State& state,
    const Tokenizer& tokenizer,
    const std::string& text) {
  size_t tokens = 0;
  for (auto _ : state)
    tokens = tokenizer.encode(text, SpecialTokens::recognised).size();
  count_bytes(state, text);
  state.counters["bytes_per_token"] =
      static_cast<double>(text.size()) / static_cast<double>(tokens);
}

void decode(
    benchmark::State& state,
    const Tokenizer& tokenizer,
    const std::string& text) {
  auto ids = tokenizer.encode(text, SpecialTokens::recognised);
  for (auto _ : state)
    benchmark::DoNotOptimize(tokenizer.decode(ids).size());
  count_bytes(state, text);
}

void cut_pieces(benchmark::State& state, const std::string& text) {
  size_t pieces = 0;
  for (auto _ : state) {
    pieces = 0;
    for (std::string_view rest = text; !rest.empty(); ++pieces)
      rest.remove_prefix(first_piece(rest));
  }
  count_bytes(state, text);
  state.counters["bytes_per_piece"] =
      static_cast<double>(text.size()) / static_cast<double>(pieces);
}

void register_text(
    const std::string& name,
    const std::string& text,
    const Tokenizer& v4,
    const Tokenizer& nano) {
  using benchmark::RegisterBenchmark;
  RegisterBenchmark(("pieces/" + name).c_str(), cut_pieces, text);
  RegisterBenchmark(("encode/v4/" + name).c_str(), encode, v4, text);
  RegisterBenchmark(("encode/nano/" + name).c_str(), encode, nano, text);
  RegisterBenchmark(("decode/v4/" + name).c_str(), decode, v4, text);
}

int run(int argc, char** argv) {
  const std::string v4_directory = HADAL_TOKENIZER_V4;
  const std::string nano_directory = kSource + "/models/nano";
  Tokenizer v4 = Tokenizer::load(v4_directory);
  Tokenizer nano = Tokenizer::load(nano_directory);

  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("load/v4", load, v4_directory)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("load/nano", load, nano_directory)
      ->Unit(benchmark::kMillisecond);
  register_text("prose", prose(), v4, nano);
  register_text("code", code(), v4, nano);
  register_text("mixed", mixed(), v4, nano);
  constexpr size_t kLong = 10'000'000;
  register_text("long_letters", std::string(kLong, 'a'), v4, nano);
  register_text("long_spaces", std::string(kLong, ' '), v4, nano);
  for (int i = 1; i < argc; ++i)
    register_text(argv[i], read_file(argv[i]), v4, nano);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run(argc, argv);
}
