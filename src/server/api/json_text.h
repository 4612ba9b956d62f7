// Writing a JSON object member by member, in a fixed order, without building a
// tree. Parts that are JSON already (what a client sent, an item that was
// written before) go in as they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_value.h"

namespace hadal {

class JsonText {
 public:
  // Texts must be UTF-8.
  JsonText& text(std::string_view key, std::string_view value) {
    append_json_string(next(key), value);
    return *this;
  }
  JsonText& integer(std::string_view key, int64_t value) {
    next(key) += std::to_string(value);
    return *this;
  }
  JsonText& boolean(std::string_view key, bool value) {
    next(key) += value ? "true" : "false";
    return *this;
  }
  JsonText& null(std::string_view key) {
    next(key) += "null";
    return *this;
  }
  // `json` is a whole value.
  JsonText& json(std::string_view key, std::string_view json) {
    next(key) += json;
    return *this;
  }
  // Null where it is empty.
  JsonText& text_or_null(std::string_view key, std::string_view value) {
    return value.empty() ? null(key) : text(key, value);
  }

  // Members that were written before, with commas between; may be empty.
  JsonText& members(std::string_view written) {
    if (!members_.empty() && !written.empty())
      members_ += ',';
    members_ += written;
    return *this;
  }

  // The members alone, for another object.
  const std::string& members() const { return members_; }
  // The object.
  std::string object() const { return "{" + members_ + "}"; }

 private:
  std::string& next(std::string_view key) {
    if (!members_.empty())
      members_ += ',';
    append_json_string(members_, key);
    members_ += ':';
    return members_;
  }

  std::string members_;
};

// An array of values that are JSON already.
inline std::string json_array(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1)
      out += ',';
    out += value;
  }
  return out + "]";
}

// One event of a server-sent stream: a line with its type, a line with its
// data, an empty line.
inline std::string server_event(std::string_view type, std::string_view data) {
  std::string out;
  out.reserve(type.size() + data.size() + 16);
  out += "event: ";
  out += type;
  out += "\ndata: ";
  out += data;
  out += "\n\n";
  return out;
}

}  // namespace hadal
