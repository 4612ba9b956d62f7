#include "cli/verify/golden_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "checkpoint/testing/temporary_directory.h"

namespace hadal::cli {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

constexpr GoldenSizes kSizes{
    .vocabulary = 4, .layers = 2, .streams = 2, .hidden_size = 3};

// A tensor whose elements are all `value`.
struct Tensor {
  TensorDeclaration declaration;
  double value = 0;
};

class GoldenFileTest : public ::testing::Test {
 protected:
  void write(const std::vector<Tensor>& tensors) {
    std::vector<TensorDeclaration> declarations;
    for (const Tensor& tensor : tensors)
      declarations.push_back(tensor.declaration);
    SafetensorsWriter writer(path_, declarations);
    for (const Tensor& tensor : tensors) {
      const auto count =
          static_cast<size_t>(*tensor.declaration.shape.elements());
      if (tensor.declaration.dtype == Dtype::f32) {
        const std::vector<float> values(
            count, static_cast<float>(tensor.value));
        writer.write(std::as_bytes(std::span(values)));
      } else {
        const std::vector<int32_t> values(
            count, static_cast<int32_t>(tensor.value));
        writer.write(std::as_bytes(std::span(values)));
      }
    }
    writer.finish();
  }

  std::string error(const std::vector<Tensor>& tensors) {
    write(tensors);
    return error_of([this] { read_golden_file(path_, kSizes); });
  }

  TemporaryDirectory folder_;
  std::filesystem::path path_ = folder_ / "golden.safetensors";
};

Tensor ids(const std::string& name, int64_t count, int32_t value = 1) {
  return {{name, Dtype::i32, {count}}, static_cast<double>(value)};
}

Tensor floats(const std::string& name, TensorShape shape, float value = 0) {
  return {{name, Dtype::f32, shape}, value};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(GoldenFileTest, ReadsWhatIsThere) {
  write(
      {ids("b.ids", 3),
       ids("b.positions", 1, 2),
       floats("b.logits.f32_unrounded", {1, 4}, 0.5F),
       ids("b.greedy.f32_unrounded", 2),
       floats("b.decode_logits.f32_unrounded", {1, 4}),
       floats("trace.b.layer0", {3, 2, 3}, 1),
       floats("trace.b.layer1", {3, 2, 3}, 2),
       ids("a.ids", 1),
       floats("b.novelty", {1, 1})});
  const GoldenFile golden = read_golden_file(path_, kSizes);
  ASSERT_EQ(golden.cases.size(), 2U);
  EXPECT_EQ(golden.cases[0].name, "a");
  EXPECT_TRUE(golden.cases[0].columns.empty());
  const GoldenCase& b = golden.cases[1];
  EXPECT_EQ(b.ids, (std::vector<int32_t>{1, 1, 1}));
  EXPECT_EQ(b.column("bf16"), nullptr);
  ASSERT_NE(b.column("f32_unrounded"), nullptr);
  EXPECT_EQ(b.column("f32_unrounded")->logits.row(0)[3], 0.5F);
  EXPECT_EQ(b.column("f32_unrounded")->greedy.size(), 2U);
  ASSERT_NE(b.column("f32"), nullptr);
  ASSERT_EQ(b.column("f32")->trace.size(), 2U);
  EXPECT_EQ(b.column("f32")->trace[1].row(2)[5], 2);
  EXPECT_EQ(golden.ignored_tensors, std::vector<std::string>{"b.novelty"});
}

TEST_F(GoldenFileTest, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(has(error({floats("x", {1, 1})}), "NAME.ids"));
  EXPECT_TRUE(has(error({ids("a.ids", 2, 4)}), "found id 4, expected 0 to 3"));
  EXPECT_TRUE(has(error({ids("a.ids", 2, -1)}), "found id -1"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), ids("a.positions", 1, 2)}),
          "a.positions: found position 2, expected 0 to 1"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), ids("a.positions", 2, 1)}), "increasing"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), floats("a.logits.f32", {1, 4})}),
          "a.logits.f32: found 1 rows, expected 0"));
  EXPECT_TRUE(
      has(error(
              {ids("a.ids", 2),
               ids("a.positions", 1),
               floats("a.logits.f32", {1, 5})}),
          "found F32 [1, 5], expected F32 with at least one row of 4 values"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), ids("a.logits.f32", 4)}), "found I32 [4]"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), floats("a.decode_logits.f32", {1, 4})}),
          "a.decode_logits.f32: found 1 rows, expected at most 0"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 2), floats("trace.a.layer0", {1, 2, 3})}),
          "trace.a.layer1: missing"));
  EXPECT_TRUE(
      has(error({ids("a.ids", 1), floats("trace.a.layer0", {2, 2, 3})}),
          "found 2 positions, expected at most 1"));
  EXPECT_TRUE(has(error({floats("a.ids", {1, 1})}), "expected I32"));
}

}  // namespace
}  // namespace hadal::cli
