// Reading the vectors under tests/data in the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "text/json_value.h"

namespace hadal {

inline std::string read_test_file(const std::string& name) {
  std::string path = std::string(HADAL_SOURCE_DIR) + "/tests/data/" + name;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "missing test data " << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline JsonValue read_test_json(const std::string& name) {
  return parse_json(read_test_file(name)).value();
}

// A member that the vectors always have.
inline const JsonValue& at(const JsonValue& value, std::string_view key) {
  const JsonValue* member = value.find(key);
  if (member == nullptr)
    throw std::out_of_range("no member " + std::string(key));
  return *member;
}

}  // namespace hadal
