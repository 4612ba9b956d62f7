// Reading bytes with all stacks at once, and looking ahead over what tokens
// leave behind.
#include "generation/grammar/grammar_state.h"

#include <array>
#include <limits>
#include <utility>

namespace hadal {
namespace {

constexpr size_t kSweepFrames = 4096;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

void set_bit(std::vector<uint64_t>& mask, int32_t token) {
  mask[at(token) / 64] |= uint64_t{1} << (token % 64);
}

}  // namespace

GrammarState::GrammarState(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)) {
  may_end_ = enter(grammar_->start, -1, 0);
}

bool GrammarState::is_markup() const {
  for (const Top& top : tops_)
    if (!terminal(top).is_markup)
      return false;
  return !tops_.empty() && !may_end_;
}

bool GrammarState::same_stack(int32_t a, int32_t b) const {
  while (a != b) {
    if (a < 0 || b < 0 || frames_[at(a)].node != frames_[at(b)].node)
      return false;
    a = frames_[at(a)].parent;
    b = frames_[at(b)].parent;
  }
  return true;
}

void GrammarState::add_top(const Top& top, size_t first_new) {
  for (size_t i = first_new; i < tops_.size(); ++i) {
    const Top& known = tops_[i];
    if (known.terminal == top.terminal && known.state == top.state &&
        known.count == top.count && same_stack(known.stack, top.stack))
      return;
  }
  if (tops_.size() - first_new < most_stacks_)
    tops_.push_back(top);
}

bool GrammarState::enter(int32_t node, int32_t parent, size_t first_new) {
  const GrammarNode& here = grammar_->nodes[at(node)];
  bool ends = here.is_final && leave(parent, first_new);
  for (const GrammarEdge& edge : here.edges) {
    int32_t stack = parent;
    if (!grammar_->nodes[at(edge.target)].is_end()) {
      stack = static_cast<int32_t>(frames_.size());
      frames_.push_back({edge.target, parent});
    }
    if (edge.symbol.is_rule)
      ends |= enter(grammar_->rules[at(edge.symbol.index)], stack, first_new);
    else
      add_top({edge.symbol.index, ByteAutomaton::kStart, 0, stack}, first_new);
  }
  return ends;
}

bool GrammarState::leave(int32_t stack, size_t first_new) {
  if (stack < 0)
    return true;
  const Frame frame = frames_[at(stack)];
  return enter(frame.node, frame.parent, first_new);
}

bool GrammarState::step(size_t first, size_t last, uint8_t byte) {
  const size_t first_new = tops_.size();
  bool ends = false;
  for (size_t i = first; i < last; ++i) {
    Top top = tops_[i];
    const Terminal& rule = terminal(top);
    const ByteAutomaton& automaton = rule.leaf->automaton();
    const ByteAutomaton::StateId state = automaton.next(top.state, byte);
    if (state == ByteAutomaton::kDead)
      continue;
    top.count += automaton.count(top.state, byte);
    top.state = state;
    if (top.count > rule.max_chars)
      continue;
    if (automaton.continues(state))
      add_top(top, first_new);
    if (automaton.accepts(state) && top.count >= rule.min_chars)
      ends |= leave(top.stack, first_new);
  }
  return ends;
}

bool GrammarState::push(std::string_view bytes) {
  // What was dropped on the way may be the only stack that goes on.
  if (!read(bytes)) {
    most_stacks_ = std::numeric_limits<size_t>::max();
    const bool allowed = read(bytes);
    most_stacks_ = kMaxStacks;
    if (!allowed)
      return false;
  }
  if (tops_.size() > kMaxStacks)
    tops_.resize(kMaxStacks);
  if (frames_.size() > kSweepFrames)
    drop_unused_frames();
  return true;
}

bool GrammarState::read(std::string_view bytes) {
  const size_t before = tops_.size();
  const size_t frames_before = frames_.size();
  size_t first = 0;
  bool ends = may_end_;
  for (char byte : bytes) {
    const size_t last = tops_.size();
    ends = step(first, last, static_cast<uint8_t>(byte));
    first = last;
    if (tops_.size() == last && !ends) {
      tops_.resize(before);
      frames_.resize(frames_before);
      return false;
    }
  }
  tops_.erase(tops_.begin(), tops_.begin() + static_cast<ptrdiff_t>(first));
  may_end_ = ends;
  return true;
}

void GrammarState::add_tokens(std::vector<uint64_t>& mask) {
  const size_t count = tops_.size();
  for (size_t i = 0; i < count; ++i) {
    const Top top = tops_[i];
    const Terminal& rule = terminal(top);
    const StateTokens& tokens = rule.leaf->tokens(top.state);
    const int64_t room = int64_t{rule.max_chars} - top.count;
    const int64_t missing = int64_t{rule.min_chars} - top.count;
    tokens.add_inside_up_to(room, mask);
    for (const CountedToken& end : tokens.ends)
      if (end.count >= missing && end.count <= room)
        set_bit(mask, end.token);
    if (!tokens.exits.empty())
      add_exits(top, tokens, mask);
  }
}

// Walks over the bytes that tokens leave behind when they end this leaf, with
// the stack that is then uncovered.
void GrammarState::add_exits(
    const Top& top, const StateTokens& tokens, std::vector<uint64_t>& mask) {
  const Terminal& rule = terminal(top);
  const int64_t room = int64_t{rule.max_chars} - top.count;
  const int64_t missing = int64_t{rule.min_chars} - top.count;
  // By depth: where the stacks and frames begin.
  std::array<size_t, 257> first_top;
  std::array<size_t, 257> last_frame;
  const size_t tops_before = tops_.size();
  const size_t frames_before = frames_.size();
  first_top[0] = tops_before;
  leave(top.stack, tops_before);
  first_top[1] = tops_.size();
  last_frame[0] = frames_.size();
  for (size_t n = 1; n < tokens.exits.size();) {
    const ExitNode& node = tokens.exits[n];
    const size_t depth = node.depth;
    tops_.resize(first_top[depth]);
    frames_.resize(last_frame[depth - 1]);
    const bool ends = step(first_top[depth - 1], first_top[depth], node.byte);
    const bool goes_on = tops_.size() > first_top[depth];
    if (goes_on || ends)
      for (uint32_t t = node.first_token; t < node.last_token; ++t) {
        const CountedToken& token = tokens.exit_tokens[t];
        if (token.count >= missing && token.count <= room)
          set_bit(mask, token.token);
      }
    first_top[depth + 1] = tops_.size();
    last_frame[depth] = frames_.size();
    n = goes_on ? n + 1 : node.end;
  }
  tops_.resize(tops_before);
  frames_.resize(frames_before);
}

void GrammarState::drop_unused_frames() {
  std::vector<bool> used(frames_.size());
  for (const Top& top : tops_)
    for (int32_t f = top.stack; f >= 0 && !used[at(f)];
         f = frames_[at(f)].parent)
      used[at(f)] = true;
  // A frame's parent stands before it.
  std::vector<int32_t> number(frames_.size(), -1);
  std::vector<Frame> kept;
  for (size_t f = 0; f < frames_.size(); ++f)
    if (used[f]) {
      number[f] = static_cast<int32_t>(kept.size());
      kept.push_back(frames_[f]);
      if (kept.back().parent >= 0)
        kept.back().parent = number[at(kept.back().parent)];
    }
  frames_ = std::move(kept);
  for (Top& top : tops_)
    if (top.stack >= 0)
      top.stack = number[at(top.stack)];
}

}  // namespace hadal
