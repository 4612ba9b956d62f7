// Valid checkpoints that are unlike the published ones: odd sizes, unaligned
// tensors, other float types, no MTP block.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/testing/temporary_directory.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"
#include "weights/load_checkpoint.h"
#include "weights/testing/edited_checkpoint.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using testing::EditableTensor;
using testing::EditedCheckpoint;

const fs::path kNano = fs::path(HADAL_SOURCE_DIR) / "models/nano";

// Odd sizes: groups of wo_a that share a block of scales, or cut through one.
TEST(OddSizes, GroupsOfOutputRows) {
  for (const auto& [groups, rank] :
       {std::pair<int64_t, int64_t>{4, 64}, {8, 32}, {8, 96}}) {
    EditedCheckpoint checkpoint(kNano);
    checkpoint.edit_config([&](nlohmann::json& c) {
      c["o_groups"] = groups;
      c["o_lora_rank"] = rank;
    });
    const int64_t rows = groups * rank;
    const int64_t cols = 8 * 128 / groups;
    const auto resize = [&](const std::string& name, TensorShape shape) {
      EditableTensor& tensor = checkpoint.tensors.at(name);
      tensor.shape = shape;
      const auto size = static_cast<size_t>(shape[0] * shape[1]);
      // Distinct codes and scales, none of them NaN.
      tensor.bytes.resize(size);
      for (size_t i = 0; i < size; ++i)
        tensor.bytes[i] = static_cast<std::byte>(100 + i % 20);
    };
    std::vector<std::string> layers{"mtp.0."};
    for (int i = 0; i < 7; ++i)
      layers.push_back("layers." + std::to_string(i) + ".");
    for (const std::string& layer : layers) {
      resize(layer + "attn.wo_a.weight", {rows, cols});
      resize(
          layer + "attn.wo_a.scale", {(rows + 127) / 128, (cols + 127) / 128});
      resize(layer + "attn.wo_b.weight", {384, rows});
      resize(layer + "attn.wo_b.scale", {3, (rows + 127) / 128});
    }
    checkpoint.write();
    const LoadedModel model = checkpoint.load();
    const auto& stored = checkpoint.tensors.at("layers.2.attn.wo_a.weight");
    const auto& scales = checkpoint.tensors.at("layers.2.attn.wo_a.scale");
    const std::vector<WeightView>& views =
        model.weights.layers[2].attention.wo_a;
    ASSERT_EQ(static_cast<int64_t>(views.size()), groups);
    std::vector<float> row(static_cast<size_t>(cols));
    for (int64_t r = 0; r < rows; ++r) {
      const WeightView& view = views[static_cast<size_t>(r / rank)];
      ASSERT_EQ(view.rows, rank);
      dequantize_row(view, r % rank, row.data());
      for (int64_t c = 0; c < cols; ++c) {
        const auto code = static_cast<uint8_t>(
            stored.bytes[static_cast<size_t>(r * cols + c)]);
        const auto scale =
            static_cast<uint8_t>(scales.bytes[static_cast<size_t>(
                r / 128 * scales.shape[1] + c / 128)]);
        ASSERT_EQ(
            row[static_cast<size_t>(c)],
            e4m3_to_float(code) * e8m0_to_float(scale))
            << groups << " groups, row " << r;
      }
    }
    EXPECT_EQ(model.report.copied_bytes > 0, rank == 96);
  }
}

// The oracle's random models: sizes that nobody tuned for.
TEST(OddSizes, OracleModelsLoad) {
  for (const char* name : {"tiny", "tiny_hca"}) {
    const LoadedModel model = load_checkpoint(
        fs::path(HADAL_SOURCE_DIR) / "tests/data/oracle" / name);
    EXPECT_EQ(model.weights.mtp.size(), 1U) << name;
    EXPECT_EQ(model.report.layout, CheckpointLayout::release);
  }
}

// Valid, but at addresses that floats cannot be read from: a byte tensor in
// front shifts everything. Small tensors are copied.
TEST(UnalignedCheckpoints, SmallTensorsAreCopied) {
  EditedCheckpoint checkpoint(kNano);
  checkpoint.write();
  const LoadedModel straight = checkpoint.load();
  EXPECT_EQ(straight.report.copied_bytes, 0U);
  // Sorted by name, the 3-byte scale of some layers stands before floats.
  checkpoint.write(EditedCheckpoint::Order::by_name);
  const LoadedModel model = checkpoint.load();
  EXPECT_GT(model.report.copied_bytes, 0U);
  for (const LayerWeights& layer : model.weights.layers) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(layer.hc_attn.base) % 4, 0U);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(layer.hc_attn.fn.data) % 4, 0U);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(layer.attn_norm.data) % 2, 0U);
  }
  EXPECT_EQ(
      std::memcmp(
          model.weights.layers[5].hc_ffn.fn.data,
          straight.weights.layers[5].hc_ffn.fn.data,
          24 * 1536 * 4),
      0);
}

TEST(UnalignedCheckpoints, FloatsStoredAsBf16AreWidened) {
  EditedCheckpoint checkpoint(kNano);
  EditableTensor& sink = checkpoint.tensors.at("layers.3.attn.attn_sink");
  const uint16_t codes[8] = {0x3F80, 0xC000, 0, 0x4049, 1, 2, 3, 4};
  sink.dtype = Dtype::bf16;
  sink.bytes.resize(16);
  std::memcpy(sink.bytes.data(), codes, 16);
  checkpoint.write();
  const LoadedModel model = checkpoint.load();
  const WeightView& view = model.weights.layers[3].attention.attn_sink;
  EXPECT_EQ(view.format, WeightFormat::f32);
  float values[4];
  std::memcpy(values, view.data, sizeof values);
  EXPECT_EQ(values[0], 1.0F);
  EXPECT_EQ(values[1], -2.0F);
  EXPECT_EQ(values[3], 3.140625F);
  EXPECT_EQ(model.report.copied_bytes, 32U);
}

TEST(TrunkOnlyCheckpoints, RunWithoutDrafts) {
  EditedCheckpoint checkpoint(kNano);
  std::erase_if(checkpoint.tensors, [](const auto& entry) {
    return entry.first.starts_with("mtp.");
  });
  checkpoint.write();
  const LoadedModel model = checkpoint.load();
  EXPECT_TRUE(model.weights.mtp.empty());
  EXPECT_EQ(model.report.mtp_step_bytes, 0U);
  ASSERT_EQ(model.report.notes.size(), 1U);
  EXPECT_NE(model.report.notes[0].find("no MTP block"), std::string::npos);
}

}  // namespace
}  // namespace hadal
