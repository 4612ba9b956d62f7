// The public tokenizer: added tokens, then pieces, then byte pairs.
#include "hadal/tokenizer.h"

#include <fmt/format.h>

#include <limits>
#include <system_error>

#include "hadal/error.h"
#include "text/pretokenizer.h"
#include "text/spans.h"
#include "text/tokenizer_file.h"
#include "text/utf8.h"

namespace hadal {
namespace {

// Where added tokens may be recognised: ascending, disjoint, not touching.
std::vector<ByteRange> trusted_ranges(const Spans& spans) {
  std::vector<ByteRange> ranges;
  size_t at = 0;
  for (const TextSpan& span : spans) {
    size_t end = at + span.text.size();
    if (span.trusted && !ranges.empty() && ranges.back().end == at)
      ranges.back().end = end;
    else if (span.trusted)
      ranges.push_back({at, end});
    at = end;
  }
  return ranges;
}

// The spans with invalid UTF-8 replaced as in the joined text. A character that
// a border cuts is trusted only if all its parts are.
Spans repaired(const Spans& spans) {
  Spans result;
  Utf8Stream stream;
  bool held_trusted = true;
  for (const TextSpan& span : spans) {
    bool held = stream.held_bytes() > 0;
    std::string characters = stream.push(span.text);
    if (held && !characters.empty()) {
      size_t cut = first_character(characters).length;
      append(result, characters.substr(0, cut), held_trusted && span.trusted);
      characters.erase(0, cut);
      held = false;
    }
    append(result, characters, span.trusted);
    held_trusted = span.trusted && (held_trusted || !held);
  }
  append(result, stream.finish(), held_trusted);
  return result;
}

void require_short(size_t bytes) {
  constexpr size_t kLimit = std::numeric_limits<uint32_t>::max();
  if (bytes >= kLimit)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "the text has {} bytes, a tokenizer takes less than {} at once",
            bytes,
            kLimit));
}

}  // namespace

struct Tokenizer::State {
  TokenizerFile file;
  // Where tokenizer_config.json is silent, the sentence markers.
  int32_t bos = 0;
  int32_t eos = 1;
  int32_t pad = 1;

  // Throws unless the id is valid.
  void require_id(int32_t id) const {
    if (id < 0 || id >= file.vocabulary.size())
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "token id {} is out of range, expected 0 to {}",
              id,
              file.vocabulary.size() - 1));
  }

  void set_roles(const TokenRoles& roles, const std::string& path) {
    set_role(roles.bos, bos, path);
    set_role(roles.eos, eos, path);
    pad = eos;
    set_role(roles.pad, pad, path);
  }

  void set_role(
      const std::string& content, int32_t& id, const std::string& path) {
    if (content.empty())
      return;
    const AddedToken* token = file.added.find_content(content);
    if (!token)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: the token \"{}\" is not in the tokenizer.json beside it",
              path,
              content));
    id = token->id;
  }

  bool is_special(int32_t id) const {
    const AddedToken* token = file.added.find_id(id);
    return token && token->special;
  }

  // Text without added tokens.
  void encode_pieces(std::string_view text, std::vector<int32_t>& ids) const {
    while (!text.empty()) {
      std::string_view piece = text.substr(0, first_piece(text));
      // Every base token encodes to itself, so a piece that is one is done.
      int32_t id = file.vocabulary.find(piece);
      if (id >= 0)
        ids.push_back(id);
      else
        file.encoder.encode(piece, ids);
      text.remove_prefix(piece.size());
    }
  }

  // Valid UTF-8, and where added tokens are recognised in it.
  std::vector<int32_t> encode(
      std::string_view text, std::span<const ByteRange> trusted) const {
    std::vector<int32_t> ids;
    ids.reserve(text.size() / 4 + 1);
    size_t at = 0;
    for (const AddedTokens::Match& match : file.added.find(text, trusted)) {
      encode_pieces(text.substr(at, match.begin - at), ids);
      ids.push_back(match.id);
      at = match.end;
    }
    encode_pieces(text.substr(at), ids);
    return ids;
  }
};

Tokenizer::Tokenizer(std::shared_ptr<const State> state)
    : state_(std::move(state)) {}

Tokenizer Tokenizer::load(
    const std::filesystem::path& path, const TokenizerOptions& options) {
  std::error_code ignored;
  bool directory = std::filesystem::is_directory(path, ignored);
  std::filesystem::path file = directory ? path / "tokenizer.json" : path;
  auto state = std::make_shared<State>(State{read_tokenizer_file(file)});
  int32_t size = state->file.vocabulary.size();
  if (options.expected_vocabulary && *options.expected_vocabulary != size)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: the tokenizer has {} ids, but vocab_size of the model is {}; "
            "use the tokenizer that came with this checkpoint",
            file.string(),
            size,
            *options.expected_vocabulary));

  std::filesystem::path config = file.parent_path() / "tokenizer_config.json";
  if (std::filesystem::exists(config, ignored))
    state->set_roles(read_token_roles(config), config.string());
  return Tokenizer(std::move(state));
}

int32_t Tokenizer::size() const {
  return state_->file.vocabulary.size();
}

int32_t Tokenizer::base_size() const {
  return state_->file.base_size;
}

int32_t Tokenizer::bos_id() const {
  return state_->bos;
}

int32_t Tokenizer::eos_id() const {
  return state_->eos;
}

int32_t Tokenizer::pad_id() const {
  return state_->pad;
}

std::vector<int32_t> Tokenizer::encode(
    std::string_view text, SpecialTokens special) const {
  require_short(text.size());
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = replace_invalid_utf8(text);
    text = repaired;
  }
  std::vector<ByteRange> trusted;
  if (special == SpecialTokens::recognised)
    trusted.push_back({0, text.size()});
  return state_->encode(text, trusted);
}

std::vector<int32_t> Tokenizer::encode(const Spans& spans) const {
  std::string text = joined(spans);
  require_short(text.size());
  if (is_valid_utf8(text))
    return state_->encode(text, trusted_ranges(spans));
  Spans valid = repaired(spans);
  return state_->encode(joined(valid), trusted_ranges(valid));
}

std::string Tokenizer::decode(
    std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  for (int32_t id : ids) {
    std::string_view token = bytes(id);
    if (!skip_special || !state_->is_special(id))
      text += token;
  }
  if (is_valid_utf8(text))
    return text;
  return replace_invalid_utf8(text);
}

std::string_view Tokenizer::bytes(int32_t id) const {
  state_->require_id(id);
  return state_->file.vocabulary.bytes(id);
}

std::optional<int32_t> Tokenizer::find(std::string_view token) const {
  if (const AddedToken* added = state_->file.added.find_content(token))
    return added->id;
  int32_t id = state_->file.vocabulary.find(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Tokenizer::is_special(int32_t id) const {
  state_->require_id(id);
  return state_->is_special(id);
}

bool Tokenizer::is_added(int32_t id) const {
  state_->require_id(id);
  return state_->file.added.find_id(id) != nullptr;
}

struct DecodeStream::State {
  Tokenizer tokenizer;
  bool skip_special;
  Utf8Stream characters;
};

DecodeStream::DecodeStream(Tokenizer tokenizer, bool skip_special)
    : state_(new State{std::move(tokenizer), skip_special, {}}) {}

DecodeStream::~DecodeStream() = default;
DecodeStream::DecodeStream(DecodeStream&&) noexcept = default;
DecodeStream& DecodeStream::operator=(DecodeStream&&) noexcept = default;

std::string DecodeStream::push(int32_t id) {
  std::string_view token = state_->tokenizer.bytes(id);
  if (state_->skip_special && state_->tokenizer.is_special(id))
    return "";
  return state_->characters.push(token);
}

std::string DecodeStream::finish() {
  return state_->characters.finish();
}

}  // namespace hadal
