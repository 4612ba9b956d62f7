// Text to token ids and back, exactly as the reference tokenizer of
// DeepSeek-V4.
//
//   auto tokenizer = hadal::Tokenizer::load("models/nano");
//   std::vector<int32_t> ids = tokenizer.encode(hadal::encode_chat(messages));
//   hadal::DecodeStream stream(tokenizer);
//   for (int32_t id : answer) std::cout << stream.push(id);
//   std::cout << stream.finish();
//
// Text is UTF-8. In input that is not, each maximal ill-formed sequence counts
// as U+FFFD. No token is ever added: a prompt starts with the BOS token because
// its text does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/spans.h"

namespace hadal {

// What becomes of text that spells an added token such as <｜User｜>.
enum class SpecialTokens {
  recognised,  // it is the token: for text that is trusted as a whole
  as_text,     // it is ordinary text, of several tokens
};

struct TokenizerOptions {
  // Refuse a tokenizer with another number of ids: vocab_size of config.json.
  std::optional<int64_t> expected_vocabulary;
};

// A loaded tokenizer: immutable and cheap to copy. All copies share the tables,
// and all calls are safe from any number of threads.
class Tokenizer {
 public:
  // Reads tokenizer.json, given as the file itself or as its directory, and the
  // roles (BOS, EOS, padding) from a tokenizer_config.json beside it if there
  // is one. Throws Error: not_found and io for files that cannot be read,
  // corrupt for files that contradict themselves or the expected vocabulary,
  // unsupported for tokenizers of other models.
  static Tokenizer load(
      const std::filesystem::path& path, const TokenizerOptions& options = {});

  // Number of ids; valid ids are 0 to size() - 1.
  int32_t size() const;
  // Of these, the number in the base vocabulary, which come first.
  int32_t base_size() const;

  int32_t bos_id() const;
  int32_t eos_id() const;  // ends an assistant's turn
  int32_t pad_id() const;

  // Throws Error(invalid_argument) for text of 4 GiB and more.
  std::vector<int32_t> encode(
      std::string_view text, SpecialTokens special) const;

  // Encodes the concatenation, since tokens may reach across borders of spans;
  // added tokens are recognised only where they lie wholly within trusted text.
  std::vector<int32_t> encode(const Spans& spans) const;

  // The text of the ids, joined; bytes that are not UTF-8 become U+FFFD.
  // skip_special drops the tokens of is_special(). Throws
  // Error(invalid_argument) for an id out of range, as do all calls that take
  // one.
  std::string decode(
      std::span<const int32_t> ids, bool skip_special = false) const;

  // The bytes of one token, maybe a fragment of a character. They live as long
  // as any copy of this tokenizer.
  std::string_view bytes(int32_t id) const;

  // The token with exactly these bytes; added tokens come first.
  std::optional<int32_t> find(std::string_view token) const;

  // Marked as special in the file. Few control tokens are: <｜User｜>, <think>
  // and the like are not, so never rely on it to clean a model's output.
  bool is_special(int32_t id) const;

  // An added token: control token, marker or placeholder. Only these are
  // affected by SpecialTokens and trust.
  bool is_added(int32_t id) const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

// Decodes token by token, at whole characters. One owner; independent of other
// streams.
class DecodeStream {
 public:
  explicit DecodeStream(Tokenizer tokenizer, bool skip_special = false);
  ~DecodeStream();
  DecodeStream(DecodeStream&&) noexcept;
  DecodeStream& operator=(DecodeStream&&) noexcept;

  // The characters that this token completes; "" while one is unfinished (at
  // most 3 bytes are held back). Bytes that can no longer become a character
  // turn into U+FFFD. Throws Error(invalid_argument) for an id out of range.
  std::string push(int32_t id);

  // The end of the message: U+FFFD for an unfinished character, else "".
  // All outputs joined equal Tokenizer::decode of all ids.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
