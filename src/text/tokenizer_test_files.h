// What the tokenizer's tests share: the two tokenizers and the vectors.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "hadal/tokenizer.h"
#include "text/json_value.h"
#include "text/test_files.h"

namespace hadal {

inline const std::string kNanoDirectory = HADAL_SOURCE_DIR "/models/nano";
// Unpacked from tests/data when the build is configured.
inline const std::string kV4Directory = HADAL_TOKENIZER_V4;

inline const Tokenizer& nano_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(kNanoDirectory);
  return tokenizer;
}

inline const Tokenizer& v4_tokenizer() {
  static const Tokenizer tokenizer = Tokenizer::load(kV4Directory);
  return tokenizer;
}

// The lines of a file of tests/data/tokenizer, one JSON value each.
inline std::vector<std::string> read_lines(const std::string& name) {
  std::istringstream file(read_test_file("tokenizer/" + name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

inline std::vector<JsonValue> read_vectors(const std::string& name) {
  std::vector<JsonValue> vectors;
  for (const std::string& line : read_lines(name))
    vectors.push_back(parse_json(line).value());
  return vectors;
}

inline std::vector<int32_t> ids_in(const JsonValue& list) {
  std::vector<int32_t> ids;
  for (const JsonValue& id : list.items())
    ids.push_back(std::stoi(id.number_text()));
  return ids;
}

struct GoldenText {
  std::string text;
  std::vector<int32_t> ids;
};

// The 938 texts of v4_goldens.jsonl with their ids in the V4 tokenizer.
inline const std::vector<GoldenText>& golden_texts() {
  static const std::vector<GoldenText> goldens = [] {
    std::vector<GoldenText> texts;
    for (const JsonValue& line : read_vectors("v4_goldens.jsonl")) {
      if (line.find("text"))
        texts.push_back(
            {at(line, "text").as_string(), ids_in(at(line, "ids"))});
    }
    return texts;
  }();
  return goldens;
}

struct ListedToken {
  int32_t id;
  std::string content;
  bool special;
};

// The 1,283 added tokens of V4.
inline std::vector<ListedToken> listed_added_tokens() {
  std::vector<ListedToken> tokens;
  for (const JsonValue& line : read_vectors("added_tokens_v4.jsonl"))
    tokens.push_back(
        {std::stoi(at(line, "id").number_text()),
         at(line, "content").as_string(),
         at(line, "special").as_boolean()});
  EXPECT_EQ(tokens.size(), 1283u);
  return tokens;
}

}  // namespace hadal
