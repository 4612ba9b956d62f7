// Where an output stands in its grammar: all the stacks that it may be in.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "generation/grammar/grammar.h"

namespace hadal {

// Beyond it the last ones are dropped: what remains is still within the grammar
// and can be completed. Branches that are alike, inside each other, multiply.
inline constexpr size_t kMaxStacks = 1'024;

// Copyable; owned by one thread.
class GrammarState {
 public:
  explicit GrammarState(std::shared_ptr<const Grammar> grammar);

  // The text may end here.
  bool may_end() const { return may_end_; }
  // It may go on.
  bool may_continue() const { return !tops_.empty(); }
  // Only markup can follow.
  bool is_markup() const;

  // Reads bytes. False, and no change, when they are not allowed.
  bool push(std::string_view bytes);

  // Adds the tokens that may come next; mask: [(vocabulary + 63) / 64].
  void add_tokens(std::vector<uint64_t>& mask);

 private:
  // A leaf that is being read, and what follows it.
  struct Top {
    int32_t terminal = 0;
    ByteAutomaton::StateId state = 0;
    int32_t count = 0;   // of characters
    int32_t stack = -1;  // frame; -1: nothing follows
  };
  // Frames are shared by the stacks above them.
  struct Frame {
    int32_t node = 0;  // at which reading goes on
    int32_t parent = -1;
  };

  const Terminal& terminal(const Top& top) const {
    return grammar_->terminals[static_cast<size_t>(top.terminal)];
  }
  // Appends to tops_ what can be read at `node`; true: the text may end there.
  bool enter(int32_t node, int32_t parent, size_t first_new);
  bool leave(int32_t stack, size_t first_new);
  bool step(size_t first, size_t last, uint8_t byte);
  // Appends the stacks behind the bytes; false: not allowed.
  bool read(std::string_view bytes);
  void add_top(const Top& top, size_t first_new);
  bool same_stack(int32_t a, int32_t b) const;
  void add_exits(
      const Top& top, const StateTokens& tokens, std::vector<uint64_t>& mask);
  void drop_unused_frames();

  std::shared_ptr<const Grammar> grammar_;
  // The stacks now; while bytes are read, those after each byte follow.
  std::vector<Top> tops_;
  std::vector<Frame> frames_;
  bool may_end_ = false;
  size_t most_stacks_ = kMaxStacks;
};

}  // namespace hadal
