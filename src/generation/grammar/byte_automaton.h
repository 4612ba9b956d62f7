// Deterministic automata over the bytes of the output: text automata in the
// form in which the model writes them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "generation/grammar/text_automaton.h"

namespace hadal {

// Beyond it the schema is refused.
inline constexpr size_t kMaxByteStates = 60'000;

// Immutable. From every state an accepting one can be reached; the start does
// not accept.
class ByteAutomaton {
 public:
  using StateId = uint16_t;
  static constexpr StateId kDead = 0;
  static constexpr StateId kStart = 1;

  // One state's row: the next state, and by how much the count of characters
  // rises, for each byte.
  struct Row {
    std::array<StateId, 256> next{};
    std::array<uint8_t, 256> count{};
    bool accepts = false;
  };
  // rows[0] is the dead state.
  explicit ByteAutomaton(const std::vector<Row>& rows);

  StateId next(StateId state, uint8_t byte) const {
    return next_[state * classes_ + class_of_[byte]];
  }
  uint8_t count(StateId state, uint8_t byte) const {
    return count_[state * classes_ + class_of_[byte]];
  }
  bool accepts(StateId state) const { return (flags_[state] & kAccepts) != 0; }
  // Whether any byte leads on.
  bool continues(StateId state) const {
    return (flags_[state] & kContinues) != 0;
  }
  size_t states() const { return flags_.size(); }

  // Equal for equal automata: the key under which they are shared.
  std::string fingerprint() const;
  size_t memory_bytes() const;

 private:
  static constexpr uint8_t kAccepts = 1;
  static constexpr uint8_t kContinues = 2;

  // Bytes that no state tells apart share a column.
  std::array<uint8_t, 256> class_of_{};
  size_t classes_ = 1;
  std::vector<StateId> next_;   // [states, classes]
  std::vector<uint8_t> count_;  // [states, classes]
  std::vector<uint8_t> flags_;  // [states]
};

// Each throws GrammarRefusal for too many states. `text` accepts something; for
// raw_text, not "".

// The text as it is, in UTF-8.
ByteAutomaton raw_text(const TextAutomaton& text);
// As a JSON string with its quotes. Characters stand for themselves where they
// may, else in their shortest escape; where any character may stand, every
// escape may, \uXXXX included (surrogates in pairs).
ByteAutomaton json_string(const TextAutomaton& text);
// The same behind the opening quote: the rest of an object's key.
ByteAutomaton json_string_rest(const TextAutomaton& text);

}  // namespace hadal
