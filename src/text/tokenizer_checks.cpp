// What makes a tokenizer.json the kind that this program implements.
#include "text/tokenizer_checks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "text/pretokenizer.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

void check_pre_tokenizer(const FieldChecker& check, const Json& value) {
  check.require(
      "pre_tokenizer.type", FieldChecker::member(value, "type"), "Sequence");
  const Json& steps = FieldChecker::member(value, "pretokenizers");
  constexpr size_t kSplits = std::size(kSplitPatterns);
  if (!steps.is_array() || steps.size() != kSplits + 1)
    check.refuse(
        "pre_tokenizer.pretokenizers", steps, "three Splits and a ByteLevel");
  for (size_t i = 0; i < kSplits; ++i) {
    Json expected = {
        {"type", "Split"},
        {"pattern", {{"Regex", kSplitPatterns[i]}}},
        {"behavior", "Isolated"},
        {"invert", false}};
    check.require(
        fmt::format("pre_tokenizer.pretokenizers[{}]", i), steps[i], expected);
  }
  const Json& last = steps[kSplits];
  bool plain = FieldChecker::member(last, "type") == "ByteLevel" &&
               FieldChecker::member(last, "add_prefix_space") == false &&
               FieldChecker::member(last, "use_regex") == false;
  if (!plain)
    check.refuse(
        fmt::format("pre_tokenizer.pretokenizers[{}]", kSplits),
        last,
        "a ByteLevel with add_prefix_space and use_regex false");
}

void check_model(const FieldChecker& check, const Json& model) {
  check.require("model.type", FieldChecker::member(model, "type"), "BPE");
  for (std::string_view name :
       {"dropout",
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges"}) {
    const Json& option = FieldChecker::member(model, name);
    if (!option.is_null() && option != false)
      check.refuse(fmt::format("model.{}", name), option, "null or false");
  }
}

}  // namespace

const Json& FieldChecker::member(const Json& object, std::string_view name) {
  static const Json kNull;
  auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string FieldChecker::shown(const Json& value) {
  constexpr size_t kLongest = 300;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kLongest)
    return text;
  text.resize(kLongest);
  text.resize(valid_utf8_prefix(text));
  return text + "...";
}

void FieldChecker::corrupt(const std::string& message) const {
  throw Error(ErrorCode::corrupt, fmt::format("{}: {}", path_, message));
}

void FieldChecker::refuse(
    std::string_view field,
    const Json& found,
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
    std::string_view field, const Json& found, const Json& expected) const {
  if (found != expected)
    refuse(field, found, shown(expected));
}

void check_tokenizer_kind(const FieldChecker& check, const Json& document) {
  check_model(check, FieldChecker::member(document, "model"));

  const Json& normalizer = FieldChecker::member(document, "normalizer");
  if (!normalizer.is_null())
    check.require(
        "normalizer",
        normalizer,
        {{"type", "Sequence"}, {"normalizers", Json::array()}});

  check_pre_tokenizer(check, FieldChecker::member(document, "pre_tokenizer"));

  // A ByteLevel post-processor only changes offsets; any other adds tokens.
  const Json& post_processor = FieldChecker::member(document, "post_processor");
  if (!post_processor.is_null())
    check.require(
        "post_processor.type",
        FieldChecker::member(post_processor, "type"),
        "ByteLevel");
  const Json& decoder = FieldChecker::member(document, "decoder");
  check.require(
      "decoder.type", FieldChecker::member(decoder, "type"), "ByteLevel");
}

}  // namespace hadal
