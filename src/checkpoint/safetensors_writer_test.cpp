// What is written is what is read, and nothing half-written gets a name.
#include "checkpoint/safetensors_writer.h"

#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

TEST(SafetensorsWriter, WhatIsWrittenIsRead) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "x.safetensors";
  std::vector<TensorDeclaration> tensors{
      {"odd \"name\" \n", Dtype::u8, {3}},
      {"wide", Dtype::i64, {1}},
      {"scalar", Dtype::f32, {}},
      {"empty", Dtype::bf16, {0, 4}}};
  sort_for_alignment(tensors);
  EXPECT_EQ(tensors[0].name, "wide");
  EXPECT_EQ(tensors[3].name, "odd \"name\" \n");
  SafetensorsWriter writer(path, tensors, {{"format", "pt"}});
  writer.write(bytes_of("12345678"));
  writer.write(bytes_of("ab"));
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.write(bytes_of("cdxyz"));
  writer.finish();

  const SafetensorsFile file(path);
  EXPECT_EQ(file.at("odd \"name\" \n").shape, TensorShape{3});
  EXPECT_EQ(static_cast<char>(file.at("odd \"name\" \n").data[0]), 'x');
  EXPECT_EQ(static_cast<char>(file.at("scalar").data[0]), 'a');
  EXPECT_EQ(file.at("empty").bytes, 0U);
  for (const StoredTensor& tensor : file.tensors())
    EXPECT_EQ(
        reinterpret_cast<uintptr_t>(tensor.data) %
            static_cast<uintptr_t>(alignment(tensor.dtype)),
        0U)
        << tensor.name;
  ASSERT_EQ(file.metadata().size(), 1U);
  EXPECT_EQ(file.metadata()[0].second, "pt");
}

TEST(SafetensorsWriter, AnUnfinishedFileLeavesNothing) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "x.safetensors";
  testing::write_text(path, "older");
  {
    SafetensorsWriter writer(path, {{"a", Dtype::u8, {4}}});
    writer.write(bytes_of("ab"));
    EXPECT_TRUE(error_of([&] { writer.finish(); }).starts_with("internal: "));
    EXPECT_TRUE(error_of([&] {
                  writer.write(bytes_of("abc"));
                }).starts_with("internal: "));
  }
  EXPECT_EQ(testing::read_text(path), "older");
  const std::filesystem::directory_iterator left(directory.path());
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST(SafetensorsWriter, RefusesWhatCouldNotBeRead) {
  const auto header = [](std::vector<TensorDeclaration> tensors) {
    return error_of([&] { safetensors_header(tensors); });
  };
  EXPECT_NE(
      header({{"a", Dtype::u8, {1}}, {"a", Dtype::u8, {1}}})
          .find("two tensors"),
      std::string::npos);
  EXPECT_NE(
      header({{"\xFF", Dtype::u8, {1}}}).find("must be UTF-8"),
      std::string::npos);
  EXPECT_NE(
      header({{"a", Dtype::f4, {1}}}).find("no size in bytes"),
      std::string::npos);
  EXPECT_NE(
      header({{"a", Dtype::u8, {1LL << 40, 1LL << 40}}}).find("no size"),
      std::string::npos);
  EXPECT_TRUE(error_of([] {
                SafetensorsWriter("/nowhere/x.safetensors", {});
              }).starts_with("io: "));
}

}  // namespace
}  // namespace hadal
