// The published layouts, as sparse files with true headers: everything that
// spec 7.1 and reference-numbers.md say about them must come out exactly.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "checkpoint/testing/temporary_directory.h"
#include "weights/load_checkpoint.h"
#include "weights/memory_plan.h"
#include "weights/testing/sparse_checkpoint.h"

namespace hadal {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

std::string config_text(const std::string& name) {
  return testing::read_text(
      std::filesystem::path(HADAL_SOURCE_DIR) / "tests/data/configs" /
      (name + ".json"));
}

LoadedModel inspect(
    const TemporaryDirectory& directory,
    const std::string& config,
    const std::vector<TensorDeclaration>& tensors,
    int shards) {
  testing::write_sparse_checkpoint(directory.path(), config, tensors, shards);
  const auto start = std::chrono::steady_clock::now();
  LoadedModel model = inspect_checkpoint(directory.path());
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  std::printf(
      "  inspected %zu tensors in %.3f s\n", tensors.size(), seconds.count());
  // A bound for the algorithm, not for the machine: quadratic work would
  // take minutes.
  EXPECT_LT(seconds.count(), 20.0);
  return model;
}

std::map<std::string, int64_t> dtype_counts(const CheckpointReport& report) {
  std::map<std::string, int64_t> counts;
  for (const DtypeCount& count : report.dtypes)
    counts[std::string(name(count.dtype))] = count.tensors;
  return counts;
}

int64_t parameters(const CheckpointReport& report, TensorGroup group) {
  for (const GroupReport& found : report.groups)
    if (found.group == group)
      return found.parameters;
  return -1;
}

double gigabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

// The groups and layers add up to the trunk.
void expect_consistent(const CheckpointReport& report) {
  int64_t tensors = 0;
  int64_t logical = 0;
  uint64_t bytes = 0;
  for (const GroupReport& group : report.groups) {
    tensors += group.tensors;
    logical += group.parameters;
    bytes += group.bytes;
    uint64_t format_bytes = 0;
    for (const FormatCount& format : group.formats)
      format_bytes += format.bytes;
    EXPECT_EQ(format_bytes, group.bytes) << name(group.group);
  }
  EXPECT_EQ(tensors, report.trunk_tensors);
  EXPECT_EQ(bytes, report.trunk_bytes);
  EXPECT_EQ(logical, report.trunk_parameters);
  EXPECT_EQ(report.trunk_tensors + report.mtp_tensors, report.tensors);
  EXPECT_EQ(report.trunk_bytes + report.mtp_bytes, report.tensor_bytes);
}

TEST(LayoutTotals, Flash) {
  const std::string text = config_text("flash");
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::release_tensors(parse_model_config(text, "flash")),
      46);
  const CheckpointReport& report = model.report;
  EXPECT_EQ(report.layout, CheckpointLayout::release);
  EXPECT_EQ(report.tensors, 69'187);
  EXPECT_EQ(report.trunk_tensors, 67'612);
  EXPECT_EQ(report.mtp_tensors, 1'575);
  EXPECT_EQ(report.shards, 46);
  EXPECT_EQ(report.tensor_bytes, 159'609'485'896U);
  EXPECT_EQ(
      dtype_counts(report),
      (std::map<std::string, int64_t>{
          {"BF16", 433},
          {"F32", 417},
          {"F8_E4M3", 375},
          {"F8_E8M0", 34'167},
          {"I64", 3},
          {"I8", 33'792}}));
  expect_consistent(report);
  EXPECT_EQ(report.copied_bytes, 0U);
  EXPECT_TRUE(report.notes.empty());

  EXPECT_EQ(parameters(report, TensorGroup::attention), 4'599'054'336);
  EXPECT_EQ(parameters(report, TensorGroup::compressor), 304'087'040);
  EXPECT_EQ(parameters(report, TensorGroup::indexer), 181'665'792);
  EXPECT_EQ(parameters(report, TensorGroup::gate), 45'088'768);
  EXPECT_EQ(parameters(report, TensorGroup::shared_experts), 1'082'130'432);
  EXPECT_EQ(parameters(report, TensorGroup::routed_experts), 277'025'390'592);
  EXPECT_EQ(parameters(report, TensorGroup::hyper_connection), 33'884'439);
  EXPECT_EQ(parameters(report, TensorGroup::norm), 446'080);
  EXPECT_EQ(parameters(report, TensorGroup::small), 1'431'232);
  EXPECT_EQ(parameters(report, TensorGroup::embedding), 529'530'880);
  EXPECT_EQ(parameters(report, TensorGroup::head), 529'530'880);
  EXPECT_EQ(report.trunk_parameters, 284'332'240'471);
  EXPECT_EQ(report.mtp_parameters, 6'610'048'891);
  EXPECT_EQ(report.active_parameters, 13'270'105'687);
  EXPECT_NEAR(gigabytes(report.trunk_bytes), 156.0, 0.05);
  EXPECT_NEAR(gigabytes(report.bytes_per_token), 11.22, 0.005);
  EXPECT_NEAR(gigabytes(report.mtp_bytes), 3.59, 0.005);
  EXPECT_NEAR(gigabytes(report.mtp_step_bytes), 1.31, 0.005);

  ASSERT_EQ(report.layers.size(), 43U);
  EXPECT_EQ(report.layers[0].kind, LayerKind::window);
  EXPECT_TRUE(report.layers[2].hash_routed);
  EXPECT_EQ(report.layers[42].kind, LayerKind::sparse);
  ASSERT_EQ(report.mtp.size(), 1U);
  EXPECT_EQ(report.mtp[0].tensors, 1'575);
}

TEST(LayoutTotals, Pro) {
  const std::string text = config_text("pro");
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::release_tensors(parse_model_config(text, "pro")),
      64);
  const CheckpointReport& report = model.report;
  EXPECT_EQ(report.tensors, 145'116);
  EXPECT_EQ(report.trunk_tensors, 142'773);
  EXPECT_EQ(report.mtp_tensors, 2'343);
  EXPECT_EQ(report.shards, 64);
  EXPECT_EQ(report.tensor_bytes, 864'704'792'696U);
  EXPECT_EQ(
      dtype_counts(report),
      (std::map<std::string, int64_t>{
          {"BF16", 619},
          {"F32", 590},
          {"F8_E4M3", 528},
          {"F8_E8M0", 71'952},
          {"I64", 3},
          {"I8", 71'424}}));
  expect_consistent(report);
  EXPECT_EQ(parameters(report, TensorGroup::attention), 18'293'456'896);
  EXPECT_EQ(parameters(report, TensorGroup::compressor), 778'043'392);
  EXPECT_EQ(parameters(report, TensorGroup::indexer), 391'249'920);
  EXPECT_EQ(report.trunk_parameters, 1'572'997'201'763);
  EXPECT_EQ(report.mtp_parameters, 25'840'145'979);
  EXPECT_EQ(report.active_parameters, 48'852'409'187);
  EXPECT_NEAR(gigabytes(report.bytes_per_token), 39.67, 0.005);
  EXPECT_NEAR(gigabytes(report.mtp_step_bytes), 2.54, 0.005);
}

// Its draft stages are DSpark: counted, left out, never run as an MTP block.
TEST(LayoutTotals, Flash0731) {
  const std::string text = config_text("flash-0731");
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::release_tensors(
          parse_model_config(text, "flash-0731"), {.dspark_stages = 3}),
      48);
  const CheckpointReport& report = model.report;
  EXPECT_EQ(report.tensors, 72'317);
  EXPECT_EQ(report.trunk_tensors, 67'612);
  EXPECT_EQ(report.mtp_tensors, 4'705);
  EXPECT_EQ(report.tensor_bytes, 166'878'536'440U);
  EXPECT_EQ(report.mtp_bytes, 10'862'838'300U);
  EXPECT_TRUE(model.weights.mtp.empty());
  EXPECT_EQ(model.weights.layers.size(), 43U);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("4705 tensors mtp.*"), std::string::npos)
      << report.notes[0];
  EXPECT_NE(report.notes[0].find("DSpark"), std::string::npos);
}

// The same tensors under a configuration that promises an ordinary MTP block.
TEST(LayoutTotals, DsparkIsRecognisedByItsTensors) {
  const std::string text = config_text("flash");
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::release_tensors(
          parse_model_config(text, "flash"), {.dspark_stages = 3}),
      1);
  EXPECT_TRUE(model.weights.mtp.empty());
  EXPECT_EQ(model.config.num_nextn_predict_layers, 0);
  EXPECT_EQ(model.config.layer_kinds.size(), 43U);
  EXPECT_EQ(model.report.notes.size(), 1U);
}

TEST(LayoutTotals, MlxCommunityFlash4Bit) {
  const std::string text = config_text("mlx-community-flash-4bit");
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::mlx_4bit_tensors(parse_model_config(text, "mlx")),
      33);
  const CheckpointReport& report = model.report;
  EXPECT_EQ(report.layout, CheckpointLayout::mlx);
  EXPECT_EQ(report.tensors, 2'481);
  EXPECT_EQ(report.trunk_tensors, 2'481);
  EXPECT_EQ(report.shards, 33);
  expect_consistent(report);
  EXPECT_EQ(report.trunk_parameters, 284'332'240'471);
  EXPECT_NEAR(gigabytes(report.tensor_bytes), 151.5, 0.05);
  EXPECT_NEAR(gigabytes(report.bytes_per_token), 7.45, 0.005);
  EXPECT_TRUE(model.weights.mtp.empty());

  const LayerWeights& layer = model.weights.layers[2];
  ASSERT_EQ(layer.moe.expert_gate.size(), 256U);
  const WeightView& expert = layer.moe.expert_gate[255];
  EXPECT_EQ(expert.format, WeightFormat::mxfp4);
  EXPECT_EQ(expert.rows, 2048);
  EXPECT_EQ(expert.cols, 4096);
  EXPECT_EQ(expert.data - layer.moe.expert_gate[0].data, 255LL * 2048 * 2048);
  EXPECT_EQ(
      expert.scales - layer.moe.expert_gate[0].scales, 255LL * 2048 * 128);
  ASSERT_EQ(layer.attention.wo_a.size(), 8U);
  const WeightView& group = layer.attention.wo_a[7];
  EXPECT_EQ(group.format, WeightFormat::affine);
  EXPECT_EQ(group.bits, 4);
  EXPECT_EQ(group.group, 64);
  EXPECT_EQ(group.scale_format, ScaleFormat::bf16);
  EXPECT_EQ(group.rows, 1024);
  EXPECT_EQ(group.cols, 4096);
  EXPECT_EQ(group.row_bytes, 2048);
  EXPECT_EQ(group.scale_stride, 128);
  EXPECT_EQ(group.data - layer.attention.wo_a[0].data, 7LL * 1024 * 2048);
  EXPECT_EQ(group.biases - layer.attention.wo_a[0].biases, 7LL * 1024 * 128);
  EXPECT_FALSE(layer.moe.tid2eid_is_64_bit);
  EXPECT_EQ(layer.attention.compressor.ape.format, WeightFormat::bf16);
}

// FP8 experts and F32 scales, in a configuration that does not state them.
TEST(LayoutTotals, FlashBase) {
  std::string text = config_text("flash");
  const std::string stated = R"("expert_dtype": "fp4",)";
  ASSERT_NE(text.find(stated), std::string::npos);
  text.erase(text.find(stated), stated.size());
  const TemporaryDirectory directory;
  const LoadedModel model = inspect(
      directory,
      text,
      testing::release_tensors(
          parse_model_config(text, "base"), {.base = true}),
      46);
  EXPECT_EQ(model.report.tensors, 69'187);
  EXPECT_EQ(model.report.trunk_parameters, 284'332'240'471);
  EXPECT_EQ(model.config.expert_format, ExpertFormat::fp8);
  ASSERT_EQ(model.report.notes.size(), 1U);
  EXPECT_NE(
      model.report.notes[0].find("expert_dtype; it is fp8"), std::string::npos);
  const WeightView& expert = model.weights.layers[7].moe.expert_down[200];
  EXPECT_EQ(expert.format, WeightFormat::fp8_block);
  EXPECT_EQ(expert.scale_format, ScaleFormat::f32);
  EXPECT_EQ(expert.rows, 4096);
  EXPECT_EQ(expert.cols, 2048);
  EXPECT_EQ(expert.scale_stride, 16 * 4);
}

TEST(LayoutTotals, TheStatedExpertFormatMustBeTheStoredOne) {
  const std::string text = config_text("flash");
  const TemporaryDirectory directory;
  testing::write_sparse_checkpoint(
      directory.path(),
      text,
      testing::release_tensors(
          parse_model_config(text, "base"), {.base = true}),
      4);
  const std::string message =
      error_of([&] { inspect_checkpoint(directory.path()); });
  EXPECT_TRUE(message.starts_with("corrupt: ")) << message;
  EXPECT_NE(
      message.find(
          R"(found dtype F8_E4M3, but config.json says expert_dtype = "fp4")"),
      std::string::npos)
      << message;
}

}  // namespace
}  // namespace hadal
