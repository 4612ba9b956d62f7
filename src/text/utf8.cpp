// The rules of well-formed UTF-8 (Unicode 16, table 3-7) and what uses them.
#include "text/utf8.h"

#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace hadal {
namespace {

// What a lead byte promises: the length and the range of the second byte, which
// is where overlong forms, surrogates and too large values are excluded.
struct Lead {
  size_t length;  // 0: not a lead byte
  uint8_t second_first;
  uint8_t second_last;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0xC2)
    return {0, 0, 0};
  if (byte < 0xE0)
    return {2, 0x80, 0xBF};
  if (byte < 0xF0) {
    uint8_t first = byte == 0xE0 ? 0xA0 : 0x80;
    uint8_t last = byte == 0xED ? 0x9F : 0xBF;
    return {3, first, last};
  }
  if (byte < 0xF5) {
    uint8_t first = byte == 0xF0 ? 0x90 : 0x80;
    uint8_t last = byte == 0xF4 ? 0x8F : 0xBF;
    return {4, first, last};
  }
  return {0, 0, 0};
}

// Length of the run of ASCII at the start, rounded down to whole words.
size_t ascii_words(std::string_view text) {
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof(word));
    if (word & 0x8080808080808080u)
      break;
  }
  return at;
}

// Appends the repaired text up to an unfinished tail, and returns where that
// begins.
size_t append_repaired(std::string& out, std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t valid = valid_utf8_prefix(text.substr(at));
    out.append(text, at, valid);
    at += valid;
    if (at == text.size())
      break;
    Utf8Character character = first_character(text.substr(at));
    if (character.status == Utf8Character::Status::incomplete)
      return at;
    out += kReplacementCharacter;
    at += character.length;
  }
  return at;
}

}  // namespace

Utf8Character first_character(std::string_view text) {
  using Status = Utf8Character::Status;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80)
    return {Status::valid, byte(0), 1};
  Lead lead = lead_of(byte(0));
  if (lead.length == 0)
    return {Status::invalid, 0, 1};
  char32_t code_point = byte(0) & (0x7Fu >> lead.length);
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size())
      return {Status::incomplete, 0, i};
    uint8_t first = i == 1 ? lead.second_first : 0x80;
    uint8_t last = i == 1 ? lead.second_last : 0xBF;
    if (byte(i) < first || byte(i) > last)
      return {Status::invalid, 0, i};
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  return {Status::valid, code_point, lead.length};
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    at += ascii_words(text.substr(at));
    if (at == text.size())
      break;
    Utf8Character character = first_character(text.substr(at));
    if (character.status != Utf8Character::Status::valid)
      break;
    at += character.length;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (append_repaired(out, text) < text.size())
    out += kReplacementCharacter;
  return out;
}

void append_utf8(std::string& text, char32_t code_point) {
  HADAL_CHECK(code_point <= 0x10FFFF && code_point - 0xD800 >= 0x800);
  auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

std::string Utf8Stream::push(std::string_view bytes) {
  std::string out;
  if (held_.empty()) {
    held_ = bytes.substr(append_repaired(out, bytes));
    return out;
  }
  held_ += bytes;
  held_.erase(0, append_repaired(out, held_));
  return out;
}

std::string Utf8Stream::finish() {
  std::string out(held_.empty() ? "" : kReplacementCharacter);
  held_.clear();
  return out;
}

}  // namespace hadal
