// Rebuilds the vocabulary merge by merge and compares it with what the file
// says.
#include "text/base_vocabulary.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "text/byte_alphabet.h"

namespace hadal {
namespace {

constexpr size_t kFirstByte = kSentenceMarkers.size();
constexpr size_t kFirstMerge = kFirstByte + 256;

// The spelling of each id; the views point into `vocab`.
std::vector<std::string_view> spellings_by_id(
    const FieldChecker& check, const JsonValue& vocab, size_t merges) {
  size_t size = vocab.is_object() ? vocab.members().size() : 0;
  if (size != kFirstMerge + merges)
    check.corrupt(fmt::format(
        "model.vocab has {} entries and model.merges {}, expected {} more "
        "entries than merges",
        size,
        merges,
        kFirstMerge));
  std::vector<std::string_view> spellings(size);
  for (const auto& [spelling, value] : vocab.members()) {
    auto id = FieldChecker::id_of(value);
    if (!id || static_cast<size_t>(*id) >= size)
      check.corrupt(fmt::format(
          "model.vocab gives \"{}\" the id {}, expected ids from 0 to {} "
          "without gaps",
          spelling,
          FieldChecker::shown(value),
          size - 1));
    if (spelling.empty())
      check.corrupt("model.vocab has an entry without text");
    if (!spellings[*id].empty())
      check.corrupt(fmt::format(
          "model.vocab gives the id {} to \"{}\" and to \"{}\"",
          *id,
          spellings[*id],
          spelling));
    spellings[*id] = spelling;
  }
  return spellings;
}

struct MergeParts {
  std::string_view left;
  std::string_view right;
};

// A merge is "left right", or ["left", "right"] in files that newer libraries
// have saved.
MergeParts parts_of(
    const FieldChecker& check, const JsonValue& merge, size_t index) {
  if (merge.is_string()) {
    std::string_view text = merge.as_string();
    size_t space = text.find(' ');
    if (space != std::string_view::npos)
      return {text.substr(0, space), text.substr(space + 1)};
  } else if (merge.is_array() && merge.items().size() == 2) {
    const JsonValue& left = merge.items()[0];
    const JsonValue& right = merge.items()[1];
    if (left.is_string() && right.is_string())
      return {left.as_string(), right.as_string()};
  }
  check.corrupt(fmt::format(
      "model.merges[{}] is {}, expected two tokens",
      index,
      FieldChecker::shown(merge)));
}

// Appends token after token, in the order of the ids.
class Builder {
 public:
  Builder(
      const FieldChecker& check,
      std::vector<std::string_view> spellings,
      size_t more_tokens)
      : check_(check),
        spellings_(std::move(spellings)),
        vocabulary_(spellings_.size() + more_tokens) {}

  void append_markers() {
    for (std::string_view marker : kSentenceMarkers) {
      std::string_view found = spellings_[next_id()];
      if (found != marker)
        refuse(found, fmt::format("\"{}\"", marker));
      vocabulary_.append(marker, Vocabulary::Kind::atomic);
    }
  }

  void append_bytes() {
    for (uint8_t byte : byte_alphabet_order()) {
      std::string_view found = spellings_[next_id()];
      std::string expected(1, static_cast<char>(byte));
      if (bytes_of_spelling(found) != expected)
        refuse(found, fmt::format("the byte 0x{:02X}", byte));
      byte_ids_[byte] =
          vocabulary_.append(expected, Vocabulary::Kind::mergeable);
    }
  }

  void append_merge(
      BytePairEncoder& encoder, const JsonValue& merge, size_t index) {
    MergeParts parts = parts_of(check_, merge, index);
    int32_t left = find_part(parts.left, index);
    int32_t right = find_part(parts.right, index);
    std::string bytes(vocabulary_.bytes(left));
    bytes += vocabulary_.bytes(right);

    auto id = static_cast<int32_t>(next_id());
    std::string_view spelling = spellings_[id];
    if (bytes_of_spelling(spelling) != bytes)
      check_.corrupt(fmt::format(
          "token {} is \"{}\", but model.merges[{}], which must make it, is {}",
          id,
          spelling,
          index,
          FieldChecker::shown(merge)));
    // Spellings are unique and spell unambiguously, so the bytes are new.
    HADAL_CHECK(vocabulary_.append(bytes, Vocabulary::Kind::mergeable) == id);
    encoder.add_merge(left, right, id);
  }

  const std::array<int32_t, 256>& byte_ids() const { return byte_ids_; }
  Vocabulary take_vocabulary() { return std::move(vocabulary_); }

 private:
  size_t next_id() const { return static_cast<size_t>(vocabulary_.size()); }

  // The id of one side of a merge, among the tokens so far.
  int32_t find_part(std::string_view spelling, size_t index) const {
    auto bytes = bytes_of_spelling(spelling);
    int32_t id = bytes ? vocabulary_.find(*bytes) : -1;
    if (id < 0)
      check_.corrupt(fmt::format(
          "model.merges[{}] uses \"{}\", which is neither a byte nor made by "
          "an earlier merge",
          index,
          spelling));
    return id;
  }

  [[noreturn]] void refuse(
      std::string_view found, const std::string& expected) const {
    check_.refuse(
        fmt::format("token {}", next_id()),
        JsonValue::string(std::string(found)),
        expected);
  }

  const FieldChecker& check_;
  std::vector<std::string_view> spellings_;
  Vocabulary vocabulary_;
  std::array<int32_t, 256> byte_ids_{};
};

}  // namespace

BaseVocabulary read_base_vocabulary(
    const FieldChecker& check, const JsonValue& model, size_t more_tokens) {
  const JsonValue& list = FieldChecker::member(model, "merges");
  if (!list.is_array())
    check.corrupt(fmt::format(
        "model.merges is {}, expected a list", FieldChecker::shown(list)));
  const JsonValue::Array& merges = list.items();
  Builder builder(
      check,
      spellings_by_id(
          check, FieldChecker::member(model, "vocab"), merges.size()),
      more_tokens);
  builder.append_markers();
  builder.append_bytes();
  BytePairEncoder encoder(builder.byte_ids(), merges.size());
  for (size_t i = 0; i < merges.size(); ++i)
    builder.append_merge(encoder, merges[i], i);
  return {builder.take_vocabulary(), std::move(encoder)};
}

}  // namespace hadal
