// What the tokenizer's tests share: the two tokenizers and the vectors.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "hadal/tokenizer.h"

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

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << "missing test data " << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The lines of a file of tests/data/tokenizer, one JSON value each.
inline std::vector<nlohmann::json> read_vectors(const std::string& name) {
  std::istringstream lines(
      read_file(HADAL_SOURCE_DIR "/tests/data/tokenizer/" + name));
  std::vector<nlohmann::json> vectors;
  std::string line;
  while (std::getline(lines, line))
    vectors.push_back(nlohmann::json::parse(line));
  return vectors;
}

struct GoldenText {
  std::string text;
  std::vector<int32_t> ids;
};

// The 938 texts of v4_goldens.jsonl with their ids in the V4 tokenizer.
inline const std::vector<GoldenText>& golden_texts() {
  static const std::vector<GoldenText> goldens = [] {
    std::vector<GoldenText> texts;
    for (const nlohmann::json& line : read_vectors("v4_goldens.jsonl")) {
      if (line.contains("text"))
        texts.push_back({line["text"], line["ids"]});
    }
    return texts;
  }();
  return goldens;
}

}  // namespace hadal
