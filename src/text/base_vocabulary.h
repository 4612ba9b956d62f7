// The base vocabulary of a tokenizer file: model.vocab and model.merges,
// checked against each other.
#pragma once

#include <array>
#include <string_view>

#include "text/byte_pair_encoder.h"
#include "text/json_value.h"
#include "text/tokenizer_checks.h"
#include "text/vocabulary.h"

namespace hadal {

// Ids 0 to 2, which are added tokens as well.
inline constexpr std::array<std::string_view, 3> kSentenceMarkers = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜▁pad▁｜>",
};

struct BaseVocabulary {
  Vocabulary vocabulary;
  BytePairEncoder encoder;
};

// Reads the `model` of a tokenizer.json. The result's ids are the sentence
// markers, the 256 bytes in the order of the byte alphabet, and one token a
// merge: token 259 + i is the concatenation of merge i, whose parts have lower
// ids. Everything else throws: Error(unsupported) for other markers or another
// order of bytes, Error(corrupt) for ids with gaps or twice and for merges that
// do not make the vocabulary.
//
// The vocabulary has room for `more_tokens` tokens behind the base.
BaseVocabulary read_base_vocabulary(
    const FieldChecker& check, const JsonValue& model, size_t more_tokens);

}  // namespace hadal
