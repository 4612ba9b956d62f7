// The JSON of tokenizer.json, with its two long lists taken out: a document
// tree of 128,000 tokens and as many merges would take longer to build than all
// the rest of loading.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

// Strings one behind the other in one block of memory.
class StringList {
 public:
  void add(std::string_view text) {
    storage_ += text;
    ends_.push_back(storage_.size());
  }
  // Adds to the last string.
  void extend(std::string_view text) {
    storage_ += text;
    ends_.back() = storage_.size();
  }
  size_t size() const { return ends_.size(); }
  size_t total_bytes() const { return storage_.size(); }
  std::string_view operator[](size_t i) const {
    size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(storage_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string storage_;
  std::vector<size_t> ends_;
};

struct TokenizerJson {
  nlohmann::json document;    // model.vocab is {}, model.merges is []
  StringList vocabulary;      // the keys of model.vocab, in the file's order
  std::vector<uint64_t> ids;  // their values
  StringList merges;          // "left right", however the file writes them
};

// Throws Error(corrupt), with `path` in the message, when the text is not JSON
// or the two lists do not hold what they should.
TokenizerJson parse_tokenizer_json(
    std::string_view text, const std::string& path);

}  // namespace hadal
