// The container: what must be read, and every kind of damage that must be
// refused.
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

using testing::error_of;

std::string file_of(std::string_view header, size_t data_bytes) {
  std::string out(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(out.data(), &length, sizeof length);
  out += header;
  for (size_t i = 0; i < data_bytes; ++i)
    out += static_cast<char>('a' + i % 26);
  return out;
}

std::span<const std::byte> bytes_of(const std::string& file) {
  return {reinterpret_cast<const std::byte*>(file.data()), file.size()};
}

// What the reader says to a file with this header and that many data bytes.
std::string verdict(std::string_view header, size_t data_bytes) {
  const std::string file = file_of(header, data_bytes);
  return error_of([&] { parse_safetensors(bytes_of(file), "x.safetensors"); });
}

void expect_refused(
    std::string_view header, size_t data_bytes, std::string_view reason) {
  const std::string message = verdict(header, data_bytes);
  EXPECT_TRUE(message.starts_with("corrupt: x.safetensors: ")) << message;
  EXPECT_NE(message.find(reason), std::string::npos)
      << message << "\nexpected: " << reason;
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirOffsets) {
  const std::string file = file_of(
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},)"
      R"("a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},)"
      R"("empty":{"shape":[0,5],"data_offsets":[11,11],"dtype":"F32"},)"
      R"("scalar":{"dtype":"I8","shape":[],"data_offsets":[11,12]}}   )",
      12);
  const SafetensorsContents contents = parse_safetensors(bytes_of(file), "x");
  ASSERT_EQ(contents.tensors.size(), 4U);
  const char* const data = file.data() + file.size() - 12;
  const StoredTensor& a = contents.tensors[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.dtype, Dtype::bf16);
  EXPECT_EQ(a.shape, (TensorShape{2, 2}));
  EXPECT_EQ(a.bytes, 8U);
  EXPECT_EQ(reinterpret_cast<const char*>(a.data), data);
  const StoredTensor& b = contents.tensors[1];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.begin, 8U);
  EXPECT_EQ(reinterpret_cast<const char*>(b.data), data + 8);
  EXPECT_EQ(contents.tensors[2].name, "empty");
  EXPECT_EQ(contents.tensors[2].bytes, 0U);
  EXPECT_EQ(contents.tensors[3].shape.rank(), 0);
  ASSERT_EQ(contents.metadata.size(), 1U);
  EXPECT_EQ(contents.metadata[0].first, "format");
  EXPECT_EQ(contents.metadata[0].second, "pt");
  EXPECT_EQ(contents.by_name.at("b"), 1U);
}

TEST(Safetensors, ReadsEveryDtype) {
  for (int i = 0; i < kDtypeCount; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const size_t bytes = static_cast<size_t>(bits(dtype));
    const std::string header = R"({"t":{"dtype":")" + std::string(name(dtype)) +
                               R"(","shape":[2,4],"data_offsets":[0,)" +
                               std::to_string(bytes) + "]}}";
    EXPECT_EQ(verdict(header, bytes), "no error") << name(dtype);
    EXPECT_EQ(parse_dtype(name(dtype)), dtype);
  }
  EXPECT_EQ(parse_dtype("F8_E4M3FN"), std::nullopt);
}

TEST(Safetensors, AnEmptyListIsValid) {
  EXPECT_EQ(verdict("{}", 0), "no error");
}

TEST(Safetensors, RefusesShortFiles) {
  for (size_t size = 0; size < 8; ++size) {
    const std::string file(size, '\0');
    const std::string message =
        error_of([&] { parse_safetensors(bytes_of(file), "x"); });
    EXPECT_NE(message.find("too few"), std::string::npos) << message;
  }
  const std::string whole =
      file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4);
  for (size_t size = 8; size < whole.size(); ++size) {
    const std::string file = whole.substr(0, size);
    EXPECT_TRUE(error_of([&] {
                  parse_safetensors(bytes_of(file), "x");
                }).starts_with("corrupt: x: "))
        << size;
  }
}

TEST(Safetensors, RefusesAHeaderOf100MB) {
  std::string file(8, '\0');
  const auto with_length = [&](uint64_t length) {
    std::memcpy(file.data(), &length, sizeof length);
    return error_of([&] { parse_safetensors(bytes_of(file), "x"); });
  };
  EXPECT_NE(
      with_length(kSafetensorsHeaderLimitBytes).find("the limit is 100000000"),
      std::string::npos);
  EXPECT_NE(with_length(UINT64_MAX).find("the limit is"), std::string::npos);
  // One less is allowed, but this file is not that long.
  EXPECT_NE(
      with_length(kSafetensorsHeaderLimitBytes - 1).find("but the file only"),
      std::string::npos);
}

TEST(Safetensors, RefusesWhatIsNoHeader) {
  expect_refused("", 0, "does not begin with {");
  expect_refused("[]", 0, "does not begin with {");
  expect_refused(" {}", 0, "does not begin with {");
  expect_refused("{", 0, "no valid JSON at its byte");
  expect_refused("{}{}", 0, "no valid JSON at its byte");
  expect_refused("{\"a\xFF\":1}", 0, "no valid JSON at its byte");
  expect_refused(R"({"a":1})", 0, "a number is out of place");
  expect_refused(R"({"a":[]})", 0, "an array is out of place");
  expect_refused(R"({"a":"x"})", 0, "a string is out of place");
  expect_refused(R"({"a":null})", 0, "null is out of place");
  expect_refused(R"({"a":true})", 0, "a truth value is out of place");
  expect_refused(R"({"__metadata__":{"a":1}})", 0, "a number is out of place");
  expect_refused(
      R"({"__metadata__":{"a":{}}})", 0, "an object is out of place");
  expect_refused(
      R"({"__metadata__":{},"__metadata__":{}})", 0, "stands there twice");
}

TEST(Safetensors, RefusesWrongFields) {
  expect_refused(R"({"a":{}})", 0, "needs a dtype, a shape and data_offsets");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1]}})", 1, "needs a dtype, a shape");
  expect_refused(
      R"({"a":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}})",
      1,
      R"(the unknown dtype "U9")");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})",
      1,
      R"(the unknown field "x")");
  expect_refused(
      R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      1,
      "the field dtype twice");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})",
      1,
      "a negative number");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})",
      1,
      "not whole");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})",
      1,
      "too large");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
      1,
      "more than 8 dimensions");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})",
      1,
      "must be [begin, end]");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})",
      1,
      "must be [begin, end]");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})",
      1,
      "an array is out of place");
}

TEST(Safetensors, RefusesANameTwice) {
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      2,
      R"(the name "a" stands there twice)");
}

TEST(Safetensors, RefusesSizesThatDoNotFit) {
  const std::string_view kNoFit = "do not hold";
  expect_refused(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, kNoFit);
  expect_refused(
      R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2, kNoFit);
  // The product and its bits wrap to something small.
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
      0,
      kNoFit);
  expect_refused(
      R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})",
      0,
      kNoFit);
  EXPECT_EQ(
      verdict(
          R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})",
          0),
      "no error");
}

TEST(Safetensors, RefusesWrongOffsets) {
  const auto two = [](std::string_view first, std::string_view second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" +
           std::string(first) +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" +
           std::string(second) + "}}";
  };
  EXPECT_EQ(verdict(two("[0,4]", "[4,8]"), 8), "no error");
  EXPECT_EQ(verdict(two("[4,8]", "[0,4]"), 8), "no error");
  expect_refused(two("[0,4]", "[2,6]"), 8, "tensors overlap");
  expect_refused(two("[0,4]", "[0,4]"), 8, "tensors overlap");
  expect_refused(two("[0,4]", "[5,9]"), 9, "a hole");
  expect_refused(two("[1,5]", "[5,9]"), 9, "a hole");
  expect_refused(two("[0,4]", "[8,4]"), 8, "run backwards");
  expect_refused(two("[0,4]", "[4,8]"), 7, "the file holds only 7 bytes");
  expect_refused(two("[0,4]", "[4,8]"), 9, "1 bytes follow the last tensor");
  expect_refused(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615]}})",
      4,
      "do not hold");
}

// Whatever a damaged name contains, the message is one printable line.
TEST(Safetensors, MessagesAreSafeToPrint) {
  const std::string message = verdict(
      R"({"\u001b[31m\n":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})", 2);
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_NE(message.find("\\x1b[31m\\x0a"), std::string::npos) << message;
  const std::string long_name(5000, 'n');
  EXPECT_LT(
      verdict(
          R"({")" + long_name +
              R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})",
          2)
          .size(),
      600U);
}

TEST(Safetensors, FileFindsByName) {
  const testing::TemporaryDirectory directory;
  testing::write_text(
      directory / "a.safetensors",
      file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4));
  SafetensorsFile file(directory / "a.safetensors");
  // The names stay valid when the file moves.
  const SafetensorsFile moved = std::move(file);
  ASSERT_NE(moved.find("a"), nullptr);
  EXPECT_EQ(moved.find("b"), nullptr);
  EXPECT_EQ(static_cast<char>(moved.at("a").data[0]), 'a');
  EXPECT_TRUE(error_of([&] { moved.at("b"); }).starts_with("not_found: "));
  EXPECT_TRUE(error_of([&] {
                SafetensorsFile(directory / "b.safetensors");
              }).starts_with("not_found: "));
}

}  // namespace
}  // namespace hadal
