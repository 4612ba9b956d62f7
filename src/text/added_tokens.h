// Added tokens (control tokens, placeholders): finding them in text, and what
// is known about them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;     // dropped by decode(..., skip_special)
  bool normalized = false;  // matched after those that are not
};

// A half-open range of bytes.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};

// Immutable: safe from any number of threads.
class AddedTokens {
 public:
  struct Match {
    size_t begin = 0;  // bytes
    size_t end = 0;
    int32_t id = 0;
  };

  // The tokens of a tokenizer file, with distinct, non-empty contents.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  // The tokens that lie wholly within one of `ranges` (ascending, disjoint) of
  // `text`, from left to right. As in the reference there are two passes, each
  // leftmost and longest: first the tokens that are not `normalized`, then, in
  // what is left, those that are.
  std::vector<Match> find(
      std::string_view text, std::span<const ByteRange> ranges) const;

  // The token with exactly this content, or null.
  const AddedToken* find_content(std::string_view content) const;
  // The token with this id, or null.
  const AddedToken* find_id(int32_t id) const;

  std::span<const AddedToken> all() const { return tokens_; }

 private:
  // A tree of prefixes, its nodes linked as first child and next sibling.
  class PrefixTree {
   public:
    PrefixTree();
    void add(std::string_view content, int32_t id);
    // The first match in [range.begin, range.end), the longest there.
    bool find(std::string_view text, ByteRange range, Match& match) const;

   private:
    struct Node {
      uint8_t byte = 0;
      int32_t id = -1;  // of the token that ends here
      uint32_t child = 0;
      uint32_t sibling = 0;
    };
    uint32_t child_of(uint32_t node, uint8_t byte) const;

    std::vector<Node> nodes_;  // [0] is the root
    std::vector<bool> starts_;
  };

  std::vector<AddedToken> tokens_;  // by id
  PrefixTree plain_;
  PrefixTree normalized_;
};

}  // namespace hadal
