// Files that are not what they should be: each gets one clear error. The cases
// are changes to the nano model's file.
#include "text/tokenizer_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "hadal/error.h"
#include "text/tokenizer_test_files.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

class TokenizerFileTest : public testing::Test {
 protected:
  TokenizerFileTest()
      : nano_(read_test_file("../../models/nano/tokenizer.json")) {
    std::string test =
        testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = std::filesystem::path(testing::TempDir()) /
                 (test + "." + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
  }
  ~TokenizerFileTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path write(
      const std::string& text, const std::string& name = "tokenizer.json") {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return directory_ / name;
  }

  // Loads a file with this text; expects an error of this kind whose message
  // names the file and holds `part`.
  void expect_error(
      const std::string& text, ErrorCode code, const std::string& part) {
    std::filesystem::path path = write(text);
    try {
      Tokenizer::load(path);
      FAIL() << "loaded, expected an error with " << part;
    } catch (const Error& error) {
      std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      EXPECT_NE(message.find(path.string()), std::string::npos) << message;
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }

  void expect_error(
      const std::function<void(Json&)>& change,
      ErrorCode code,
      const std::string& part) {
    Json document = Json::parse(nano_);
    change(document);
    expect_error(document.dump(), code, part);
  }

  void expect_unsupported(
      const std::string& pointer, const Json& value, const std::string& part) {
    expect_error(
        [&](Json& document) { document[Json::json_pointer(pointer)] = value; },
        ErrorCode::unsupported,
        part);
  }

  void expect_corrupt(
      const std::string& pointer, const Json& value, const std::string& part) {
    expect_error(
        [&](Json& document) { document[Json::json_pointer(pointer)] = value; },
        ErrorCode::corrupt,
        part);
  }

  std::filesystem::path directory_;
  std::string nano_;
};

TEST_F(TokenizerFileTest, MissingFiles) {
  auto code_of = [](const std::filesystem::path& path) {
    try {
      Tokenizer::load(path);
    } catch (const Error& error) {
      EXPECT_NE(
          std::string(error.what()).find(path.string()), std::string::npos);
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code_of(directory_ / "absent"), ErrorCode::not_found);
  EXPECT_EQ(code_of(directory_), ErrorCode::not_found);
  std::filesystem::create_directory(directory_ / "tokenizer.json");
  EXPECT_EQ(code_of(directory_), ErrorCode::io);
}

TEST_F(TokenizerFileTest, TextThatIsNotJson) {
  for (size_t bytes :
       {size_t{0}, size_t{1}, nano_.size() / 2, nano_.size() - 1})
    expect_error(
        nano_.substr(0, bytes), ErrorCode::corrupt, "JSON, line 1, column");
  expect_error(nano_ + "x", ErrorCode::corrupt, "JSON, line 1, column");
  expect_error("\xFF\xFE", ErrorCode::corrupt, "JSON, line 1, column");
  expect_error(
      std::string(100'000, '['), ErrorCode::corrupt, "more than 512 arrays");
  for (const char* text : {"[]", "{}", "7", "\"x\"", "{\"model\": []}"})
    expect_error(text, ErrorCode::unsupported, "model.type is null");
}

TEST_F(TokenizerFileTest, OtherKindsOfTokenizer) {
  expect_unsupported("/model/type", "WordPiece", "\"WordPiece\"");
  expect_unsupported("/model/byte_fallback", true, "model.byte_fallback");
  expect_unsupported("/model/ignore_merges", true, "model.ignore_merges");
  expect_unsupported("/model/fuse_unk", true, "model.fuse_unk");
  expect_unsupported("/model/dropout", 0.1, "model.dropout is 0.1");
  expect_unsupported("/model/unk_token", "<unk>", "model.unk_token");
  expect_unsupported(
      "/model/continuing_subword_prefix", "##", "model.continuing_subword_");
  expect_unsupported(
      "/model/end_of_word_suffix", "</w>", "model.end_of_word_suffix");
  expect_unsupported("/normalizer", {{"type", "NFC"}}, "normalizer.type is");
  expect_unsupported("/decoder", {{"type", "Metaspace"}}, "decoder.type");
  expect_unsupported(
      "/post_processor", {{"type", "TemplateProcessing"}}, "post_processor");
}

TEST_F(TokenizerFileTest, OtherPatterns) {
  std::string steps = "/pre_tokenizer/pretokenizers";
  for (std::string index : {"0", "1", "2"}) {
    std::string step = steps + "/" + index;
    std::string field = "pre_tokenizer.pretokenizers[" + index + "]";
    expect_unsupported(
        step + "/pattern/Regex", "\\w+", field + ".pattern.Regex is");
    expect_unsupported(step + "/behavior", "Removed", field + ".behavior is");
    expect_unsupported(step + "/invert", true, field + ".invert is");
    expect_unsupported(step, "Split", field + ".type is null");
  }
  std::string last = "pre_tokenizer.pretokenizers[3].";
  expect_unsupported(steps + "/3/add_prefix_space", true, last);
  expect_unsupported(steps + "/3/use_regex", true, last);
  expect_unsupported(steps + "/3/type", "Metaspace", last);
  expect_unsupported(steps, Json::array(), "three Splits and a ByteLevel");
  expect_unsupported(
      "/pre_tokenizer", {{"type", "ByteLevel"}}, "pre_tokenizer.type");
}

TEST_F(TokenizerFileTest, BrokenMerges) {
  auto erase = [](size_t index) {
    return
        [index](Json& document) { document["model"]["merges"].erase(index); };
  };
  expect_error(erase(0), ErrorCode::corrupt, "3942, expected 259 more");
  auto erase_token = [](Json& document) {
    document["model"]["merges"].erase(100);
    document["model"]["vocab"].erase("Ġarchitecture");
  };
  expect_error(erase_token, ErrorCode::corrupt, "model.merges[");
  auto swap = [](Json& document) {
    std::swap(document["model"]["merges"][20], document["model"]["merges"][21]);
  };
  expect_error(swap, ErrorCode::corrupt, "model.merges[20], which must make");
  std::string merge = "/model/merges/5";
  expect_corrupt(merge, "ab", "model.merges[5] is \"ab\", expected two tokens");
  expect_corrupt(merge, "xyzzy a", "model.merges[5] uses \"xyzzy\"");
  expect_corrupt(merge, "a ｜", "model.merges[5] uses \"｜\"");
  expect_corrupt(merge, "a ", "model.merges[5] uses \"\"");
  for (Json value :
       {Json(7),
        R"(["a"])"_json,
        R"([])"_json,
        R"(["a", "b", "c"])"_json,
        R"([["a", "b"]])"_json,
        R"(["a", 1])"_json})
    expect_corrupt(merge, value, "model.merges[5] is ");
  expect_corrupt("/model/merges", "none", "model.merges is \"none\"");
}

TEST_F(TokenizerFileTest, BrokenVocabulary) {
  std::string vocab = "/model/vocab/";
  expect_corrupt(vocab + "Ġt", 4202, "\"Ġt\" the id 4202");
  expect_corrupt(vocab + "Ġt", 260, "the id 260 to ");
  expect_corrupt(vocab + "Ġt", -1, "\"Ġt\" the id -1");
  expect_corrupt(vocab + "Ġt", "259", "\"Ġt\" the id \"259\"");
  expect_corrupt(vocab + "Ġt", 1.5, "\"Ġt\" the id 1.5");
  expect_corrupt(vocab + "Ġt", Json::object(), "\"Ġt\" the id {}");
  expect_corrupt("/model/vocab", Json::array(), "model.vocab has 0 entries");
  auto rename = [](const char* from, const char* to) {
    return [from, to](Json& document) {
      Json& tokens = document["model"]["vocab"];
      Json id = tokens[from];
      tokens.erase(from);
      tokens[to] = id;
    };
  };
  expect_error(rename("Ġt", "Ġ§"), ErrorCode::corrupt, "token 259 is \"Ġ§\"");
  expect_error(rename("Ġt", "｜"), ErrorCode::corrupt, "token 259 is \"｜\"");
  expect_error(rename("!", "ĠĠ§"), ErrorCode::unsupported, "the byte 0x21");
  expect_error(
      rename("<｜▁pad▁｜>", "<pad>"), ErrorCode::unsupported, "token 2 is");
}

TEST_F(TokenizerFileTest, BrokenAddedTokens) {
  std::string token = "/added_tokens/5/";
  expect_corrupt(token + "id", 4300, "the id 4205, expected 4204");
  expect_corrupt(token + "id", 3'000'000'000, "expected a token id");
  expect_corrupt(token + "id", -1, "added_tokens[5].id is -1");
  expect_corrupt(token + "id", 4205, "the id 4205, expected 4204");
  expect_corrupt(token + "id", 500, "the id 500, expected 4202");
  expect_corrupt(token + "content", "<｜User｜>", "\"<｜User｜>\" twice");
  expect_corrupt(token + "content", "", "added_tokens[5].content is \"\"");
  expect_corrupt(token + "content", 5, "added_tokens[5].content is 5");
  expect_corrupt(token + "content", std::string(257, 'x'), "1 to 256 bytes");
  expect_corrupt(token + "special", 1, "added_tokens[5].special is 1");
  expect_corrupt("/added_tokens", nullptr, "added_tokens is null");
  expect_corrupt("/added_tokens", Json::array(), "added_tokens has 0 entries");
  expect_corrupt("/added_tokens/1/content", "<eos>", "\"<eos>\" as token 1");
  for (std::string flag : {"lstrip", "rstrip", "single_word"})
    expect_unsupported(token + flag, true, "added_tokens[5]." + flag);
}

TEST_F(TokenizerFileTest, TheLongestAddedToken) {
  Json document = Json::parse(nano_);
  std::string longest(256, 'x');
  document["added_tokens"][5]["content"] = longest;
  Tokenizer tokenizer = Tokenizer::load(write(document.dump()));
  EXPECT_EQ(
      tokenizer.encode(longest, SpecialTokens::recognised),
      std::vector<int32_t>{4204});
}

TEST_F(TokenizerFileTest, OtherVocabularySize) {
  EXPECT_EQ(
      Tokenizer::load(kNanoDirectory, {.expected_vocabulary = 4224}).size(),
      4224);
  try {
    Tokenizer::load(kNanoDirectory, {.expected_vocabulary = 129280});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    EXPECT_NE(
        std::string(error.what())
            .find("4224 ids, but vocab_size of the model "
                  "is 129280"),
        std::string::npos);
  }
}

TEST_F(TokenizerFileTest, RolesComeFromTheConfiguration) {
  write(nano_);
  Tokenizer without = Tokenizer::load(directory_);
  EXPECT_EQ(without.bos_id(), 0);
  EXPECT_EQ(without.eos_id(), 1);
  EXPECT_EQ(without.pad_id(), 1);
  write(
      R"({"eos_token": {"content": "<think>"}, "pad_token": "<｜▁pad▁｜>"})",
      "tokenizer_config.json");
  Tokenizer with = Tokenizer::load(directory_ / "tokenizer.json");
  EXPECT_EQ(with.bos_id(), 0);
  EXPECT_EQ(with.eos_id(), with.find("<think>"));
  EXPECT_EQ(with.pad_id(), 2);
  for (const char* bad :
       {R"({"bos_token": "<s>"})", R"({"bos_token": 0})", "{"}) {
    write(bad, "tokenizer_config.json");
    EXPECT_THROW(Tokenizer::load(directory_), Error) << bad;
  }
}

// Files saved again by newer libraries write each merge as a pair.
TEST_F(TokenizerFileTest, MergesAsPairs) {
  Json document = Json::parse(nano_);
  for (Json& merge : document["model"]["merges"]) {
    std::string text = merge;
    size_t space = text.find(' ');
    merge = {text.substr(0, space), text.substr(space + 1)};
  }
  document["normalizer"] = nullptr;
  Tokenizer pairs = Tokenizer::load(write(document.dump()));
  for (const GoldenText& golden : golden_texts())
    EXPECT_EQ(
        pairs.encode(golden.text, SpecialTokens::recognised),
        nano_tokenizer().encode(golden.text, SpecialTokens::recognised));
}

// V4.1 spells nine added tokens differently.
TEST_F(TokenizerFileTest, NextRevision) {
  std::ifstream file(kV4Directory + "/tokenizer.json");
  Json document = Json::parse(file);
  std::vector<std::string> changes = read_lines("added_tokens_v41_delta.jsonl");
  ASSERT_EQ(changes.size(), 9u);
  for (const std::string& line : changes) {
    Json change = Json::parse(line);
    for (Json& token : document["added_tokens"]) {
      if (token["id"] == change["id"])
        token.update(change);
    }
  }
  Tokenizer tokenizer = Tokenizer::load(write(document.dump()));
  EXPECT_EQ(tokenizer.size(), 129280);
  EXPECT_EQ(tokenizer.find("<｜System｜>"), 128799);
  EXPECT_EQ(v4_tokenizer().find("<｜System｜>"), std::nullopt);
}

}  // namespace
}  // namespace hadal
