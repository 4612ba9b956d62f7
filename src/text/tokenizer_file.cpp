// From the JSON of a tokenizer file to tables, with every check on the way.
#include "text/tokenizer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/mapped_file.h"
#include "text/base_vocabulary.h"
#include "text/json_value.h"
#include "text/tokenizer_checks.h"

namespace hadal {
namespace {

// The longest of the real file has 40.
constexpr size_t kMaxAddedTokenBytes = 256;

JsonValue read_json(
    const FieldChecker& check, const std::filesystem::path& path) {
  MappedFile file(path);
  auto bytes = file.bytes();
  auto document =
      parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!document)
    check.corrupt(document.error().message);
  return *std::move(document);
}

AddedToken added_token(
    const FieldChecker& check, const JsonValue& entry, size_t index) {
  auto name = [&](std::string_view field) {
    return fmt::format("added_tokens[{}].{}", index, field);
  };
  auto flag = [&](std::string_view field) {
    const JsonValue& value = FieldChecker::member(entry, field);
    if (!value.is_boolean())
      check.corrupt(fmt::format(
          "{} is {}, expected true or false",
          name(field),
          FieldChecker::shown(value)));
    return value.as_boolean();
  };
  const JsonValue& id_value = FieldChecker::member(entry, "id");
  auto id = FieldChecker::id_of(id_value);
  if (!id)
    check.corrupt(fmt::format(
        "{} is {}, expected a token id",
        name("id"),
        FieldChecker::shown(id_value)));
  const JsonValue& content = FieldChecker::member(entry, "content");
  size_t bytes = content.is_string() ? content.as_string().size() : 0;
  if (bytes == 0 || bytes > kMaxAddedTokenBytes)
    check.corrupt(fmt::format(
        "{} is {}, expected a string of 1 to {} bytes",
        name("content"),
        FieldChecker::shown(content),
        kMaxAddedTokenBytes));
  for (std::string_view field : {"single_word", "lstrip", "rstrip"}) {
    if (flag(field))
      check.refuse(name(field), JsonValue::boolean(true), "false");
  }
  return {
      .id = *id,
      .content = content.as_string(),
      .special = flag("special"),
      .normalized = flag("normalized")};
}

// In the order of their ids, no content twice.
std::vector<AddedToken> added_tokens(
    const FieldChecker& check, const JsonValue& list) {
  if (!list.is_array())
    check.corrupt(fmt::format(
        "added_tokens is {}, expected a list", FieldChecker::shown(list)));
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> contents;
  for (const JsonValue& entry : list.items()) {
    tokens.push_back(added_token(check, entry, tokens.size()));
    if (!contents.insert(tokens.back().content).second)
      check.corrupt(
          fmt::format("added_tokens has \"{}\" twice", tokens.back().content));
  }
  std::ranges::sort(tokens, {}, &AddedToken::id);
  return tokens;
}

// The sentence markers again, then the ids that follow the base vocabulary.
void append_added_tokens(
    const FieldChecker& check,
    const std::vector<AddedToken>& added,
    Vocabulary& vocabulary) {
  constexpr size_t kMarkers = kSentenceMarkers.size();
  if (added.size() < kMarkers)
    check.corrupt(fmt::format(
        "added_tokens has {} entries, expected the {} sentence markers and "
        "more",
        added.size(),
        kMarkers));
  for (size_t i = 0; i < added.size(); ++i) {
    const AddedToken& token = added[i];
    bool marker = i < kMarkers;
    int32_t expected = marker ? static_cast<int32_t>(i) : vocabulary.size();
    if (token.id != expected)
      check.corrupt(fmt::format(
          "added_tokens gives \"{}\" the id {}, expected {}: ids are used once "
          "and without gaps",
          token.content,
          token.id,
          expected));
    if (marker && token.content != kSentenceMarkers[i])
      check.corrupt(fmt::format(
          "added_tokens has \"{}\" as token {}, model.vocab has \"{}\"",
          token.content,
          token.id,
          kSentenceMarkers[i]));
    if (!marker)
      vocabulary.append(token.content, Vocabulary::Kind::atomic);
  }
}

}  // namespace

TokenizerFile read_tokenizer_file(const std::filesystem::path& path) {
  FieldChecker check(path.string());
  JsonValue document = read_json(check, path);
  check_tokenizer_kind(check, document);
  std::vector<AddedToken> added =
      added_tokens(check, FieldChecker::member(document, "added_tokens"));
  BaseVocabulary base = read_base_vocabulary(
      check, FieldChecker::member(document, "model"), added.size());
  int32_t base_size = base.vocabulary.size();
  append_added_tokens(check, added, base.vocabulary);
  return {
      std::move(base.vocabulary),
      std::move(base.encoder),
      AddedTokens(std::move(added)),
      base_size};
}

TokenRoles read_token_roles(const std::filesystem::path& path) {
  FieldChecker check(path.string());
  JsonValue document = read_json(check, path);
  auto role = [&](std::string_view name) -> std::string {
    // Either the content, or an object that holds it.
    const JsonValue* value = &FieldChecker::member(document, name);
    if (value->is_object())
      value = &FieldChecker::member(*value, "content");
    if (value->is_null())
      return "";
    if (!value->is_string())
      check.corrupt(fmt::format(
          "{} is {}, expected a token", name, FieldChecker::shown(*value)));
    return value->as_string();
  };
  return {role("bos_token"), role("eos_token"), role("pad_token")};
}

}  // namespace hadal
