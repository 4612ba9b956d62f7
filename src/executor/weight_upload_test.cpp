// The bundled model's matrices, moved within ordinary memory.
#include "executor/weight_upload.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/codecs/dequantize.h"
#include "weights/load_checkpoint.h"
#include "weights/matrices.h"

namespace hadal {
namespace {

std::vector<WeightView> all_views(ModelWeights& weights) {
  std::vector<WeightView> views;
  for_each_matrix(
      weights, [&](const WeightView& view) { views.push_back(view); });
  return views;
}

TEST(WeightUpload, MovedMatricesAreTheSame) {
  LoadedModel model =
      load_checkpoint(std::string(HADAL_SOURCE_DIR) + "/models/nano");
  const std::vector<WeightView> before = all_views(model.weights);
  const WeightUpload upload = plan_upload(model.weights);
  std::vector<std::byte> image(static_cast<size_t>(upload.bytes));
  int64_t end = 0;
  for (const CopySegment& segment : upload.segments) {
    EXPECT_EQ(segment.at % 256, 0);
    EXPECT_GE(segment.at, end);
    end = segment.at + segment.bytes;
    ASSERT_LE(end, upload.bytes);
    std::memcpy(
        image.data() + segment.at,
        segment.from,
        static_cast<size_t>(segment.bytes));
  }
  point_to_image(model.weights, upload, image.data());
  const std::vector<WeightView> after = all_views(model.weights);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    ASSERT_GE(after[i].data, image.data());
    ASSERT_LT(after[i].data, image.data() + image.size());
    std::vector<float> old_row(static_cast<size_t>(before[i].cols));
    std::vector<float> new_row(old_row.size());
    for (int64_t row = 0; row < before[i].rows; ++row) {
      dequantize_row(before[i], row, old_row.data());
      dequantize_row(after[i], row, new_row.data());
      ASSERT_EQ(
          std::memcmp(
              old_row.data(), new_row.data(), old_row.size() * sizeof(float)),
          0)
          << i << " " << row;
    }
  }
  // The files hold little else.
  EXPECT_GT(
      static_cast<double>(upload.bytes),
      0.9 * static_cast<double>(model.report.tensor_bytes));
}

TEST(WeightUpload, SharedBytesAreCopiedOnce) {
  LoadedModel model =
      load_checkpoint(std::string(HADAL_SOURCE_DIR) + "/models/nano");
  const int64_t whole = plan_upload(model.weights).bytes;
  const int64_t head = model.weights.head.rows * model.weights.head.row_bytes;
  model.weights.embed = model.weights.head;
  EXPECT_EQ(plan_upload(model.weights).bytes, whole - head);
}

}  // namespace
}  // namespace hadal
