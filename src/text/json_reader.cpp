// The JSON reader: one pass, recursive descent with a depth limit. It runs with
// or without building values, so that a validity check costs no memory.
#include <fmt/format.h>

#include <string>
#include <unordered_map>

#include "text/json_value.h"
#include "text/utf8.h"

namespace hadal {
namespace {

// Objects with more members than this find repeated keys by hash, so that a
// hostile document stays linear.
constexpr size_t kLinearSearchMembers = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class JsonReader {
 public:
  JsonReader(std::string_view text, const JsonReadOptions& options, bool build)
      : text_(text), options_(options), build_(build) {}

  bool read_document(JsonValue& value) {
    if (text_.size() > options_.max_bytes)
      return fail(fmt::format(
          "the document has {} bytes; the limit is {}",
          text_.size(),
          options_.max_bytes));
    size_t valid = valid_utf8_prefix(text_);
    if (valid != text_.size()) {
      position_ = valid;
      return fail(fmt::format("invalid UTF-8 at byte {}", valid));
    }
    if (!read_value(value, 0))
      return false;
    skip_space();
    if (position_ != text_.size())
      return fail_expected("the end of the document");
    return true;
  }

  Failure failure() const {
    size_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < position_; ++i) {
      if (text_[i] == '\n') {
        ++line;
        line_start = i + 1;
      }
    }
    return {
        ErrorCode::invalid_argument,
        fmt::format(
            "JSON, line {}, column {}: {}",
            line,
            position_ - line_start + 1,
            message_),
        ""};
  }

 private:
  bool fail(std::string message) {
    message_ = std::move(message);
    return false;
  }

  bool fail_expected(std::string_view expected) {
    if (position_ >= text_.size())
      return fail(
          fmt::format("found the end of the text, expected {}", expected));
    Utf8Character next = first_character(text_.substr(position_));
    return fail(fmt::format(
        "found '{}', expected {}",
        text_.substr(position_, next.length),
        expected));
  }

  void skip_space() {
    while (position_ < text_.size()) {
      char c = text_[position_];
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
        return;
      ++position_;
    }
  }

  bool take(char c) {
    if (position_ >= text_.size() || text_[position_] != c)
      return false;
    ++position_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (text_.substr(position_, word.size()) != word)
      return false;
    position_ += word.size();
    return true;
  }

  bool read_value(JsonValue& value, size_t depth) {
    skip_space();
    if (position_ >= text_.size())
      return fail_expected("a value");
    switch (text_[position_]) {
      case '{':
        return read_object(value, depth + 1);
      case '[':
        return read_array(value, depth + 1);
      case '"': {
        std::string text;
        if (!read_string(text))
          return false;
        if (build_)
          value = JsonValue::string(std::move(text));
        return true;
      }
      default:
        return read_word_or_number(value);
    }
  }

  bool read_word_or_number(JsonValue& value) {
    if (take_word("null"))
      return true;
    if (take_word("true"))
      return set(value, JsonValue::boolean(true));
    if (take_word("false"))
      return set(value, JsonValue::boolean(false));
    if (options_.python_constants) {
      for (std::string_view word : {"NaN", "Infinity", "-Infinity"})
        if (take_word(word))
          return set(value, JsonValue::number(std::string(word)));
    }
    return read_number(value);
  }

  bool set(JsonValue& value, JsonValue read) {
    value = std::move(read);
    return true;
  }

  bool read_digits() {
    if (position_ >= text_.size() || !is_digit(text_[position_]))
      return fail_expected("a digit");
    while (position_ < text_.size() && is_digit(text_[position_]))
      ++position_;
    return true;
  }

  bool read_number(JsonValue& value) {
    size_t start = position_;
    bool negative = take('-');
    if (position_ >= text_.size() || !is_digit(text_[position_]))
      return fail_expected(negative ? "a digit" : "a value");
    if (!take('0') && !read_digits())
      return false;
    if (take('.') && !read_digits())
      return false;
    if (take('e') || take('E')) {
      if (!take('+'))
        take('-');
      if (!read_digits())
        return false;
    }
    if (build_)
      value = JsonValue::number(
          std::string(text_.substr(start, position_ - start)));
    return true;
  }

  bool read_hex4(char32_t& unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      char c = position_ < text_.size() ? text_[position_] : '\0';
      unsigned digit = 0;
      if (is_digit(c))
        digit = static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<unsigned>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<unsigned>(c - 'A') + 10;
      else
        return fail_expected("four hexadecimal digits after \\u");
      unit = unit * 16 + digit;
      ++position_;
    }
    return true;
  }

  // After "\u". A pair of surrogates is one character; a lone one has no UTF-8
  // form.
  bool read_unicode_escape(std::string& out) {
    char32_t unit = 0;
    if (!read_hex4(unit))
      return false;
    bool high = unit >= 0xD800 && unit <= 0xDBFF;
    if (high && text_.substr(position_, 2) == "\\u") {
      size_t before = position_;
      position_ += 2;
      char32_t low = 0;
      if (!read_hex4(low))
        return false;
      if (low >= 0xDC00 && low <= 0xDFFF) {
        append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
        return true;
      }
      position_ = before;
    }
    if (unit >= 0xD800 && unit <= 0xDFFF)
      out += kReplacementCharacter;
    else
      append_utf8(out, unit);
    return true;
  }

  bool read_escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (take('u'))
      return read_unicode_escape(out);
    size_t letter = position_ < text_.size() ? kLetters.find(text_[position_])
                                             : std::string_view::npos;
    if (letter == std::string_view::npos)
      return fail_expected("one of \" \\ / b f n r t u after a backslash");
    out += kMeanings[letter];
    ++position_;
    return true;
  }

  bool read_string(std::string& out) {
    ++position_;
    while (true) {
      size_t start = position_;
      while (position_ < text_.size() && text_[position_] != '"' &&
             text_[position_] != '\\' &&
             static_cast<unsigned char>(text_[position_]) >= 0x20)
        ++position_;
      out += text_.substr(start, position_ - start);
      if (take('"'))
        return true;
      if (take('\\')) {
        if (!read_escape(out))
          return false;
        continue;
      }
      if (position_ >= text_.size())
        return fail_expected("the closing quote of a string");
      return fail(fmt::format(
          "a control character (byte {:#04x}) must be escaped in a string",
          static_cast<unsigned char>(text_[position_])));
    }
  }

  bool enter(size_t depth) {
    if (depth > options_.max_depth)
      return fail(fmt::format(
          "more than {} arrays and objects inside each other",
          options_.max_depth));
    ++position_;
    skip_space();
    return true;
  }

  bool read_array(JsonValue& value, size_t depth) {
    if (!enter(depth))
      return false;
    JsonValue::Array items;
    if (!take(']')) {
      do {
        JsonValue item;
        if (!read_value(item, depth))
          return false;
        if (build_)
          items.push_back(std::move(item));
        skip_space();
      } while (take(','));
      if (!take(']'))
        return fail_expected("',' or ']'");
    }
    if (build_)
      value = JsonValue::array(std::move(items));
    return true;
  }

  bool read_member(JsonMember& member, size_t depth) {
    skip_space();
    if (position_ >= text_.size() || text_[position_] != '"')
      return fail_expected("a key in double quotes");
    if (!read_string(member.key))
      return false;
    skip_space();
    if (!take(':'))
      return fail_expected("':' after a key");
    if (!read_value(member.value, depth))
      return false;
    skip_space();
    return true;
  }

  bool read_object(JsonValue& value, size_t depth) {
    if (!enter(depth))
      return false;
    JsonValue::Object members;
    std::unordered_map<std::string, size_t> index;
    if (!take('}')) {
      do {
        JsonMember member;
        if (!read_member(member, depth))
          return false;
        if (build_)
          insert(members, index, std::move(member));
      } while (take(','));
      if (!take('}'))
        return fail_expected("',' or '}'");
    }
    if (build_)
      value = JsonValue::object(std::move(members));
    return true;
  }

  static void insert(
      JsonValue::Object& members,
      std::unordered_map<std::string, size_t>& index,
      JsonMember member) {
    if (members.size() < kLinearSearchMembers) {
      for (JsonMember& known : members) {
        if (known.key == member.key) {
          known.value = std::move(member.value);
          return;
        }
      }
    } else {
      if (index.empty())
        for (size_t i = 0; i < members.size(); ++i)
          index.emplace(members[i].key, i);
      auto [entry, is_new] = index.emplace(member.key, members.size());
      if (!is_new) {
        members[entry->second].value = std::move(member.value);
        return;
      }
    }
    members.push_back(std::move(member));
  }

  std::string_view text_;
  const JsonReadOptions& options_;
  bool build_;
  size_t position_ = 0;
  std::string message_;
};

}  // namespace

Result<JsonValue> parse_json(
    std::string_view text, const JsonReadOptions& options) {
  JsonReader reader(text, options, true);
  JsonValue value;
  if (!reader.read_document(value))
    return reader.failure();
  return value;
}

bool is_json(std::string_view text) {
  JsonReadOptions options;
  JsonValue unused;
  return JsonReader(text, options, false).read_document(unused);
}

}  // namespace hadal
