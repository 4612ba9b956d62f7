// From the JSON of a tokenizer file to tables, with every check on the way.
#include "text/tokenizer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/mapped_file.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_checks.h"
#include "text/tokenizer_json.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

// The real file has 6 MB, 129,280 tokens, and added tokens of up to 40 bytes.
constexpr size_t kMaxFileBytes = size_t{1} << 28;
constexpr size_t kMaxTokens = size_t{1} << 24;
constexpr size_t kMaxAddedTokenBytes = 256;

// Ids 0 to 2.
constexpr std::array<std::string_view, 3> kSentenceMarkers = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜▁pad▁｜>",
};
constexpr size_t kFirstByte = kSentenceMarkers.size();
constexpr size_t kFirstMerge = kFirstByte + 256;

std::string_view text_of(const MappedFile& file) {
  auto bytes = file.bytes();
  if (bytes.size() > kMaxFileBytes)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: the file has {} bytes, expected at most {}",
            file.path().string(),
            bytes.size(),
            kMaxFileBytes));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

AddedToken added_token(
    const FieldChecker& check, const Json& entry, size_t index) {
  auto field = [&](std::string_view name) {
    return fmt::format("added_tokens[{}].{}", index, name);
  };
  auto flag = [&](std::string_view name) {
    const Json& value = FieldChecker::member(entry, name);
    if (!value.is_boolean())
      check.corrupt(fmt::format(
          "{} is {}, expected true or false",
          field(name),
          FieldChecker::shown(value)));
    return value.get<bool>();
  };
  const Json& id = FieldChecker::member(entry, "id");
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= kMaxTokens)
    check.corrupt(fmt::format(
        "{} is {}, expected a token id", field("id"), FieldChecker::shown(id)));
  const Json& content = FieldChecker::member(entry, "content");
  size_t bytes =
      content.is_string() ? content.get_ref<const std::string&>().size() : 0;
  if (bytes == 0 || bytes > kMaxAddedTokenBytes)
    check.corrupt(fmt::format(
        "{} is {}, expected a string of 1 to {} bytes",
        field("content"),
        FieldChecker::shown(content),
        kMaxAddedTokenBytes));
  for (std::string_view name : {"single_word", "lstrip", "rstrip"}) {
    if (flag(name))
      check.refuse(field(name), true, "false");
  }
  return {
      .id = id.get<int32_t>(),
      .content = content.get<std::string>(),
      .special = flag("special"),
      .normalized = flag("normalized")};
}

// In the order of their ids, no id and no content twice.
std::vector<AddedToken> added_tokens(
    const FieldChecker& check, const Json& list) {
  if (!list.is_array())
    check.corrupt(fmt::format(
        "added_tokens is {}, expected a list", FieldChecker::shown(list)));
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> contents;
  for (size_t i = 0; i < list.size(); ++i) {
    tokens.push_back(added_token(check, list[i], i));
    if (!contents.insert(tokens.back().content).second)
      check.corrupt(
          fmt::format("added_tokens has \"{}\" twice", tokens.back().content));
  }
  std::ranges::sort(tokens, {}, &AddedToken::id);
  auto twice = std::ranges::adjacent_find(tokens, {}, &AddedToken::id);
  if (twice != tokens.end())
    check.corrupt(fmt::format(
        "added_tokens gives the id {} to \"{}\" and to \"{}\"",
        twice->id,
        twice->content,
        twice[1].content));
  return tokens;
}

// The spelling of each id of the base vocabulary.
std::vector<std::string_view> spellings_by_id(
    const FieldChecker& check, const TokenizerJson& json) {
  size_t size = json.vocabulary.size();
  if (size != kFirstMerge + json.merges.size() || size > kMaxTokens)
    check.corrupt(fmt::format(
        "model.vocab has {} entries and model.merges {}, expected {} more "
        "entries than merges",
        size,
        json.merges.size(),
        kFirstMerge));
  std::vector<std::string_view> spellings(size);
  std::vector<bool> seen(size);
  for (size_t i = 0; i < size; ++i) {
    uint64_t id = json.ids[i];
    std::string_view spelling = json.vocabulary[i];
    if (id >= size)
      check.corrupt(fmt::format(
          "model.vocab gives \"{}\" the id {}, expected ids from 0 to {} "
          "without gaps",
          spelling,
          id,
          size - 1));
    if (seen[id])
      check.corrupt(fmt::format(
          "model.vocab gives the id {} to \"{}\" and to \"{}\"",
          id,
          spellings[id],
          spelling));
    seen[id] = true;
    spellings[id] = spelling;
  }
  return spellings;
}

std::string bytes_of_token(
    const FieldChecker& check, std::string_view spelling, size_t id) {
  auto bytes = bytes_of_spelling(spelling);
  if (!bytes || bytes->empty())
    check.corrupt(fmt::format(
        "model.vocab spells token {} as \"{}\", which stands for no bytes",
        id,
        spelling));
  return *std::move(bytes);
}

// Ids 0 to 258.
void append_markers_and_bytes(
    const FieldChecker& check,
    const std::vector<std::string_view>& spellings,
    Vocabulary& vocabulary) {
  for (size_t id = 0; id < kFirstByte; ++id) {
    if (spellings[id] != kSentenceMarkers[id])
      check.refuse(
          fmt::format("token {}", id),
          spellings[id],
          fmt::format("\"{}\"", kSentenceMarkers[id]));
    vocabulary.append(spellings[id], Vocabulary::Kind::atomic);
  }
  for (uint8_t byte : byte_alphabet_order()) {
    auto id = static_cast<size_t>(vocabulary.size());
    std::string bytes = bytes_of_token(check, spellings[id], id);
    if (bytes != std::string(1, static_cast<char>(byte)))
      check.refuse(
          fmt::format("token {}", id),
          spellings[id],
          fmt::format("the byte 0x{:02X}", byte));
    vocabulary.append(bytes, Vocabulary::Kind::mergeable);
  }
}

// The id that one side of merge `index` has. All tokens before the merge's own
// are in the vocabulary, and no others.
int32_t merge_part(
    const FieldChecker& check,
    const Vocabulary& vocabulary,
    std::string_view part,
    size_t index) {
  auto bytes = bytes_of_spelling(part);
  int32_t id = bytes ? vocabulary.find(*bytes) : -1;
  if (id < 0)
    check.corrupt(fmt::format(
        "model.merges[{}] uses \"{}\", which is neither a byte nor made by an "
        "earlier merge",
        index,
        part));
  return id;
}

// Merge `index` makes token 259 + index, the concatenation of its two parts.
void append_merge(
    const FieldChecker& check,
    std::string_view merge,
    std::string_view spelling,
    Vocabulary& vocabulary,
    BytePairEncoder& encoder) {
  size_t index = static_cast<size_t>(vocabulary.size()) - kFirstMerge;
  size_t space = merge.find(' ');
  if (space == std::string_view::npos)
    check.corrupt(fmt::format(
        "model.merges[{}] is \"{}\", expected two tokens", index, merge));
  int32_t left = merge_part(check, vocabulary, merge.substr(0, space), index);
  int32_t right = merge_part(check, vocabulary, merge.substr(space + 1), index);

  size_t id = kFirstMerge + index;
  std::string bytes = bytes_of_token(check, spelling, id);
  std::string expected(vocabulary.bytes(left));
  expected += vocabulary.bytes(right);
  if (bytes != expected)
    check.corrupt(fmt::format(
        "token {} is \"{}\", but model.merges[{}], which must make it, is "
        "\"{}\"",
        id,
        spelling,
        index,
        merge));
  int32_t given = vocabulary.append(bytes, Vocabulary::Kind::mergeable);
  if (static_cast<size_t>(given) != id)
    check.corrupt(
        fmt::format("tokens {} and {} are both \"{}\"", given, id, spelling));
  encoder.add_merge(left, right, given);
}

// The sentence markers again, then the ids that follow the base vocabulary.
void append_added_tokens(
    const FieldChecker& check,
    const std::vector<AddedToken>& added,
    Vocabulary& vocabulary) {
  for (size_t i = 0; i < added.size(); ++i) {
    const AddedToken& token = added[i];
    bool marker = i < kFirstByte;
    auto expected = marker ? static_cast<int32_t>(i) : vocabulary.size();
    if (token.id != expected ||
        (marker && token.content != kSentenceMarkers[i]))
      check.corrupt(fmt::format(
          "added_tokens has \"{}\" with id {}, expected {} with id {} in its "
          "place",
          token.content,
          token.id,
          marker ? fmt::format("\"{}\"", kSentenceMarkers[i]) : "a token",
          expected));
    if (!marker)
      vocabulary.append(token.content, Vocabulary::Kind::atomic);
  }
  if (added.size() < kFirstByte)
    check.corrupt(fmt::format(
        "added_tokens has {} entries, expected the {} sentence markers at "
        "least",
        added.size(),
        kFirstByte));
}

}  // namespace

TokenizerFile read_tokenizer_file(const std::filesystem::path& path) {
  FieldChecker check(path.string());
  MappedFile file(path);
  TokenizerJson json = parse_tokenizer_json(text_of(file), check.path());
  check_tokenizer_kind(check, json.document);
  std::vector<AddedToken> added =
      added_tokens(check, FieldChecker::member(json.document, "added_tokens"));
  std::vector<std::string_view> spellings = spellings_by_id(check, json);

  size_t bytes = json.vocabulary.total_bytes();
  for (const AddedToken& token : added)
    bytes += token.content.size();
  Vocabulary vocabulary(spellings.size() + added.size(), bytes);
  append_markers_and_bytes(check, spellings, vocabulary);

  std::array<int32_t, 256> byte_ids{};
  for (size_t id = kFirstByte; id < kFirstMerge; ++id) {
    std::string_view byte = vocabulary.bytes(static_cast<int32_t>(id));
    byte_ids[static_cast<uint8_t>(byte[0])] = static_cast<int32_t>(id);
  }
  BytePairEncoder encoder(byte_ids, json.merges.size());
  for (size_t i = 0; i < json.merges.size(); ++i)
    append_merge(
        check, json.merges[i], spellings[kFirstMerge + i], vocabulary, encoder);

  int32_t base_size = vocabulary.size();
  append_added_tokens(check, added, vocabulary);
  return {
      std::move(vocabulary),
      std::move(encoder),
      AddedTokens(std::move(added)),
      base_size};
}

TokenRoles read_token_roles(const std::filesystem::path& path) {
  FieldChecker check(path.string());
  MappedFile file(path);
  TokenizerJson json = parse_tokenizer_json(text_of(file), check.path());
  auto role = [&](std::string_view name) -> std::string {
    // Either the content, or an object that holds it.
    const Json* value = &FieldChecker::member(json.document, name);
    if (value->is_object())
      value = &FieldChecker::member(*value, "content");
    if (value->is_null())
      return "";
    if (!value->is_string())
      check.corrupt(fmt::format(
          "{} is {}, expected a token", name, FieldChecker::shown(*value)));
    return value->get<std::string>();
  };
  return {role("bos_token"), role("eos_token"), role("pad_token")};
}

}  // namespace hadal
