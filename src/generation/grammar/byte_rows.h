// The states of a byte automaton while it is made: characters come in as the
// sequences of bytes that spell them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "generation/grammar/byte_automaton.h"

namespace hadal {

struct ByteInterval {
  uint8_t first = 0;
  uint8_t last = 0;
};

// The spellings of some characters that all lead to one state.
struct Spelling {
  std::vector<ByteInterval> bytes;
  ByteAutomaton::StateId target = 0;
  uint8_t count = 0;
};

class RowBuilder {
 public:
  using StateId = ByteAutomaton::StateId;

  RowBuilder() { rows_.resize(1); }

  // A new state. Throws GrammarRefusal beyond kMaxByteStates.
  StateId add();
  ByteAutomaton::Row& row(StateId state) { return rows_[state]; }
  const std::vector<ByteAutomaton::Row>& rows() const { return rows_; }

  // Makes `state` read the spellings from their byte `depth` on: none is a
  // prefix of another.
  void read(
      StateId state, const std::vector<Spelling>& spellings, size_t depth);
  // Makes `state` read every escape of a JSON string, to `target`: the short
  // ones, and \uXXXX with surrogates in pairs only.
  void read_escapes(StateId state, StateId target, uint8_t count);

 private:
  StateId between(const std::vector<Spelling>& spellings, size_t depth);

  std::vector<ByteAutomaton::Row> rows_;    // [0]: the dead state
  std::map<std::string, StateId> between_;  // by what is left to read
};

}  // namespace hadal
