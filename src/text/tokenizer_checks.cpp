// What makes a tokenizer.json the kind that this program implements.
#include "text/tokenizer_checks.h"

#include <fmt/format.h>

#include <charconv>

#include "text/pretokenizer.h"
#include "text/utf8.h"

namespace hadal {
namespace {

const JsonValue& member(const JsonValue& object, std::string_view name) {
  return FieldChecker::member(object, name);
}

void check_split(
    const FieldChecker& check,
    const std::string& field,
    const JsonValue& step,
    std::string_view pattern) {
  check.require(field + ".type", member(step, "type"), "Split");
  check.require(
      field + ".pattern.Regex",
      member(member(step, "pattern"), "Regex"),
      pattern);
  check.require(field + ".behavior", member(step, "behavior"), "Isolated");
  check.require(
      field + ".invert", member(step, "invert"), JsonValue::boolean(false));
}

void check_pre_tokenizer(const FieldChecker& check, const JsonValue& value) {
  check.require("pre_tokenizer.type", member(value, "type"), "Sequence");
  const JsonValue& steps = member(value, "pretokenizers");
  constexpr size_t kSplits = std::size(kSplitPatterns);
  if (!steps.is_array() || steps.items().size() != kSplits + 1)
    check.refuse(
        "pre_tokenizer.pretokenizers", steps, "three Splits and a ByteLevel");
  auto field = [](size_t i) {
    return fmt::format("pre_tokenizer.pretokenizers[{}]", i);
  };
  for (size_t i = 0; i < kSplits; ++i)
    check_split(check, field(i), steps.items()[i], kSplitPatterns[i]);

  const JsonValue& last = steps.items()[kSplits];
  check.require(field(kSplits) + ".type", member(last, "type"), "ByteLevel");
  for (std::string_view name : {"add_prefix_space", "use_regex"})
    check.require(
        fmt::format("{}.{}", field(kSplits), name),
        member(last, name),
        JsonValue::boolean(false));
}

void check_model(const FieldChecker& check, const JsonValue& model) {
  check.require("model.type", member(model, "type"), "BPE");
  for (std::string_view name :
       {"dropout",
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges"}) {
    const JsonValue& option = member(model, name);
    if (!option.is_null() && option != JsonValue::boolean(false))
      check.refuse(fmt::format("model.{}", name), option, "null or false");
  }
}

void check_normalizer(const FieldChecker& check, const JsonValue& value) {
  if (value.is_null())
    return;
  check.require("normalizer.type", member(value, "type"), "Sequence");
  check.require(
      "normalizer.normalizers",
      member(value, "normalizers"),
      JsonValue::array({}));
}

}  // namespace

const JsonValue& FieldChecker::member(
    const JsonValue& object, std::string_view name) {
  static const JsonValue kNull;
  const JsonValue* found = object.find(name);
  return found ? *found : kNull;
}

std::string FieldChecker::shown(const JsonValue& value) {
  constexpr size_t kLongest = 300;
  std::string text = print_json(value);
  if (text.size() <= kLongest)
    return text;
  text.resize(kLongest);
  text.resize(valid_utf8_prefix(text));
  return text + "...";
}

std::optional<int32_t> FieldChecker::id_of(const JsonValue& value) {
  if (!value.is_number())
    return std::nullopt;
  const std::string& digits = value.number_text();
  const char* end = digits.data() + digits.size();
  int32_t id = -1;
  auto [stop, error] = std::from_chars(digits.data(), end, id);
  if (error != std::errc() || stop != end || id < 0)
    return std::nullopt;
  return id;
}

void FieldChecker::corrupt(const std::string& message) const {
  throw Error(ErrorCode::corrupt, fmt::format("{}: {}", path_, message));
}

void FieldChecker::refuse(
    std::string_view field,
    const JsonValue& found,
    std::string_view expected) const {
  throw Error(
      ErrorCode::unsupported,
      fmt::format(
          "{}: {} is {}, expected {}; only the tokenizer of DeepSeek-V3 and V4 "
          "is supported, use the file that came with the checkpoint",
          path_,
          field,
          shown(found),
          expected));
}

void FieldChecker::require(
    std::string_view field,
    const JsonValue& found,
    const JsonValue& expected) const {
  if (found != expected)
    refuse(field, found, shown(expected));
}

void check_tokenizer_kind(
    const FieldChecker& check, const JsonValue& document) {
  check_model(check, member(document, "model"));
  check_normalizer(check, member(document, "normalizer"));
  check_pre_tokenizer(check, member(document, "pre_tokenizer"));

  // A ByteLevel post-processor only changes offsets; any other adds tokens.
  const JsonValue& post_processor = member(document, "post_processor");
  if (!post_processor.is_null())
    check.require(
        "post_processor.type", member(post_processor, "type"), "ByteLevel");
  check.require(
      "decoder.type", member(member(document, "decoder"), "type"), "ByteLevel");
}

}  // namespace hadal
