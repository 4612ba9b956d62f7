// Reads tokenizer.json and checks that it is the kind of tokenizer this program
// implements: the byte-level BPE of DeepSeek-V3 and V4, of any size.
#pragma once

#include <filesystem>
#include <string>

#include "text/added_tokens.h"
#include "text/byte_pair_encoder.h"
#include "text/vocabulary.h"

namespace hadal {

// What the file states. Ids are contiguous: first the base vocabulary (3
// sentence markers, 256 bytes, one token a merge), then the added tokens. The
// sentence markers are added tokens as well.
struct TokenizerFile {
  Vocabulary vocabulary;
  BytePairEncoder encoder;
  AddedTokens added;
  int32_t base_size;
};

// Throws Error, always with the file's path, what was found and what was
// expected: not_found or io when the file cannot be read; corrupt when it is
// not JSON, or contradicts itself (ids with gaps or twice, a merge of unknown
// tokens, a token that is not the concatenation of its merge); unsupported when
// it is a tokenizer of another kind (patterns, options, order of ids).
//
// `truncation` and `padding` are ignored: they describe a way of use, not the
// tokenizer.
TokenizerFile read_tokenizer_file(const std::filesystem::path& path);

// The names that tokenizer_config.json gives to three roles; empty where it is
// silent.
struct TokenRoles {
  std::string bos;
  std::string eos;
  std::string pad;
};

// Throws like read_tokenizer_file. Everything else in the file is ignored on
// purpose: `tokenizer_class` and `add_bos_token` are wrong in many copies.
TokenRoles read_token_roles(const std::filesystem::path& path);

}  // namespace hadal
