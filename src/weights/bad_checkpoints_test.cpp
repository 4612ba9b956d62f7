// Damaged and mismatched checkpoints: each gets one error that names the file,
// the tensor, what was found and what was expected.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors_writer.h"
#include "checkpoint/testing/temporary_directory.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"
#include "weights/load_checkpoint.h"
#include "weights/testing/relay_checkpoint.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::TemporaryDirectory;

const fs::path kNano = fs::path(HADAL_SOURCE_DIR) / "models/nano";

struct Editable {
  Dtype dtype{};
  TensorShape shape;
  std::vector<std::byte> bytes;
};

// The tensors of a checkpoint in memory, to be changed and written as one
// file.
class EditedCheckpoint {
 public:
  explicit EditedCheckpoint(const fs::path& source = kNano) {
    config_ = testing::read_text(source / "config.json");
    const CheckpointFiles files(source);
    for (const SafetensorsFile& shard : files.shards())
      for (const StoredTensor& tensor : shard.tensors())
        tensors[tensor.name] = {
            tensor.dtype,
            tensor.shape,
            {tensor.data, tensor.data + tensor.bytes}};
  }

  void edit_config(const std::function<void(nlohmann::json&)>& edit) {
    nlohmann::json config = nlohmann::json::parse(config_);
    edit(config);
    config_ = config.dump();
  }

  void write(bool keep_order = false) const {
    testing::write_text(directory_ / "config.json", config_);
    std::vector<TensorDeclaration> declared;
    for (const auto& [name, tensor] : tensors)
      declared.push_back({name, tensor.dtype, tensor.shape});
    if (!keep_order)
      sort_for_alignment(declared);
    SafetensorsWriter writer(directory_ / "model.safetensors", declared);
    for (const TensorDeclaration& tensor : declared)
      writer.write(tensors.at(tensor.name).bytes);
    writer.finish();
  }
  LoadedModel load() const { return load_checkpoint(directory_.path()); }
  std::string verdict() const {
    write();
    return error_of([&] { load(); });
  }
  void expect(std::string_view code, std::string_view reason) const {
    const std::string message = verdict();
    EXPECT_TRUE(message.starts_with(
        std::string(code) + ": " + directory_.path().string()))
        << message;
    EXPECT_NE(message.find(reason), std::string::npos)
        << message << "\nexpected: " << reason;
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = tensors.extract(from);
    node.key() = to;
    tensors.insert(std::move(node));
  }

  std::map<std::string, Editable> tensors;

 private:
  std::string config_;
  TemporaryDirectory directory_;
};

TEST(BadCheckpoints, TheUnchangedOneLoads) {
  const EditedCheckpoint checkpoint;
  EXPECT_EQ(checkpoint.verdict(), "no error");
}

TEST(BadCheckpoints, MissingTensors) {
  const char* const names[] = {
      "embed.weight",
      "hc_head_scale",
      "layers.2.attn.compressor.ape",
      "layers.2.attn.indexer.wq_b.weight",
      "layers.0.ffn.gate.tid2eid",
      "layers.5.ffn.gate.bias",
      "layers.6.ffn.experts.15.w2.weight",
      "mtp.0.h_proj.weight"};
  for (const char* name : names) {
    EditedCheckpoint checkpoint;
    checkpoint.tensors.erase(name);
    checkpoint.expect(
        "corrupt",
        "found 1 missing tensors (first: \"" + std::string(name) + "\")");
  }
}

TEST(BadCheckpoints, MissingScales) {
  for (const char* name :
       {"layers.6.ffn.experts.15.w2.scale", "layers.3.attn.wo_a.scale"}) {
    EditedCheckpoint checkpoint;
    checkpoint.tensors.erase(name);
    checkpoint.expect("corrupt", "needs scales, but the checkpoint has none");
  }
}

TEST(BadCheckpoints, UnexpectedTensors) {
  const char* const names[] = {
      "extra.weight",
      "layers.7.attn.wq_a.weight",             // one layer too many
      "layers.3.ffn.experts.16.w1.weight",     // one expert too many
      "layers.0.attn.compressor.norm.weight",  // a window layer
      "layers.3.attn.indexer.wq_b.weight",     // no indexer at ratio 128
      "layers.0.ffn.gate.bias",                // a hash layer
      "layers.4.ffn.gate.tid2eid",             // a learned layer
      "mtp.1.norm.weight",                     // one stage too many
      "layers.3.attn.wo_a.2.weight"};          // one group too many
  for (const char* name : names) {
    EditedCheckpoint checkpoint;
    checkpoint.tensors[name] = {Dtype::u8, {1}, {std::byte{0}}};
    checkpoint.expect(
        "corrupt",
        "found 1 unexpected tensors (first: \"" + std::string(name) +
            "\" in model.safetensors)");
  }
}

TEST(BadCheckpoints, BothAreReportedTogether) {
  EditedCheckpoint checkpoint;
  checkpoint.rename("layers.2.ffn.gate.bias", "layers.2.ffn.gate.bios");
  checkpoint.expect(
      "corrupt",
      "found 1 missing tensors (first: \"layers.2.ffn.gate.bias\") and 1 "
      "unexpected tensors (first: \"layers.2.ffn.gate.bios\"");
}

TEST(BadCheckpoints, TheSameWeightUnderTwoNames) {
  EditedCheckpoint checkpoint;
  checkpoint.tensors["model.norm.weight"] =
      checkpoint.tensors.at("norm.weight");
  checkpoint.expect("corrupt", "the same weight as \"");
}

TEST(BadCheckpoints, TheSameWeightsInTwoForms) {
  EditedCheckpoint stacked;
  stacked.tensors["layers.2.ffn.switch_mlp.gate_proj.weight"] = {
      Dtype::u8, {1}, {std::byte{0}}};
  stacked.expect("corrupt", "there in a second form too");
  EditedCheckpoint fused;
  fused.tensors["layers.2.mlp.experts.gate_up_proj"] = {
      Dtype::u8, {1}, {std::byte{0}}};
  fused.expect("corrupt", "there in a second form too");
}

TEST(BadCheckpoints, WrongShapes) {
  const std::pair<const char*, TensorShape> cases[] = {
      {"norm.weight", {1, 384}},
      {"embed.weight", {384, 4224}},
      {"layers.3.hc_ffn_fn", {1536, 24}},
      {"layers.3.attn.wq_a.weight", {384, 256}},
      {"layers.3.attn.wq_a.scale", {3, 2}},
      {"layers.3.ffn.experts.2.w1.weight", {384, 64}},
      {"layers.3.ffn.experts.2.w1.scale", {12, 128}},
      {"layers.1.ffn.gate.tid2eid", {4, 4224}},
      {"layers.3.attn.attn_sink", {1, 8}}};
  for (const auto& [name, shape] : cases) {
    EditedCheckpoint checkpoint;
    const TensorShape right = checkpoint.tensors.at(name).shape;
    checkpoint.tensors.at(name).shape = shape;
    checkpoint.expect(
        "corrupt", "model.safetensors: tensor \"" + std::string(name) + "\"");
    checkpoint.expect(
        "corrupt", " of shape " + shape.text() + ", expected " + right.text());
  }
}

// The same bytes under a dtype that cannot be meant.
TEST(BadCheckpoints, WrongDtypes) {
  const std::tuple<const char*, Dtype, const char*> cases[] = {
      {"norm.weight", Dtype::i16, "found dtype I16, expected F32, BF16 or F16"},
      {"layers.3.hc_ffn_fn",
       Dtype::i32,
       "found dtype I32, expected F32 or BF16"},
      {"layers.3.attn.wq_a.weight",
       Dtype::u8,
       "found dtype U8, expected BF16, F16, F32, F8_E4M3"},
      {"layers.3.attn.wq_a.weight", Dtype::f8_e5m2, "found dtype F8_E5M2"},
      {"layers.3.attn.wq_a.scale",
       Dtype::u8,
       "found dtype U8, expected F8_E8M0 or F32"},
      {"layers.3.ffn.experts.2.w1.scale",
       Dtype::f8_e4m3,
       "found dtype F8_E4M3, expected F8_E8M0"},
      {"layers.0.ffn.gate.tid2eid",
       Dtype::u64,
       "found dtype U64, expected I64 or I32"},
      {"layers.3.attn.attn_sink", Dtype::u32, "found dtype U32"}};
  for (const auto& [name, dtype, reason] : cases) {
    EditedCheckpoint checkpoint;
    checkpoint.tensors.at(name).dtype = dtype;
    checkpoint.expect("corrupt", reason);
  }
}

TEST(BadCheckpoints, WordsWithoutAPlan) {
  EditedCheckpoint checkpoint;
  Editable& weight = checkpoint.tensors.at("layers.3.attn.wq_a.weight");
  weight.dtype = Dtype::u32;
  weight.shape = {256, 96};
  checkpoint.expect("corrupt", "need a \"quantization\" block in config.json");
}

TEST(BadCheckpoints, NanScales) {
  EditedCheckpoint dense;
  dense.tensors.at("layers.3.attn.wo_a.scale").bytes[5] = std::byte{255};
  dense.expect("corrupt", "\"layers.3.attn.wo_a.scale\": scale 5 of [4, 4]");
  EditedCheckpoint expert;
  expert.tensors.at("mtp.0.ffn.experts.3.w2.scale").bytes[100] = std::byte{255};
  expert.expect("corrupt", "scale 100 of [384, 4] is NaN");
}

TEST(BadCheckpoints, NanFloatScales) {
  EditedCheckpoint checkpoint;
  Editable& scale = checkpoint.tensors.at("layers.3.attn.wo_a.scale");
  scale.dtype = Dtype::f32;
  scale.bytes.assign(64, std::byte{0});
  EXPECT_EQ(checkpoint.verdict(), "no error");
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(scale.bytes.data() + 12, &infinity, sizeof infinity);
  checkpoint.expect("corrupt", "scale 3 of [4, 4] is NaN or infinite");
}

TEST(BadCheckpoints, HashTableWithAnExpertThatIsNot) {
  EditedCheckpoint checkpoint;
  const int64_t bad[2] = {16, -1};
  for (int64_t id : bad) {
    std::memcpy(
        checkpoint.tensors.at("layers.1.ffn.gate.tid2eid").bytes.data() + 800,
        &id,
        sizeof id);
    checkpoint.expect(
        "corrupt", "entry 100 is no expert number, expected 0 to 15");
  }
}

TEST(BadCheckpoints, AConfigurationOfAnotherModel) {
  EditedCheckpoint checkpoint;
  checkpoint.edit_config([](nlohmann::json& c) { c["hidden_size"] = 512; });
  checkpoint.expect(
      "corrupt", "config.json and the weights do not belong together");
}

// Odd sizes: groups of wo_a that share a block of scales, or cut through one.
TEST(OddSizes, GroupsOfOutputRows) {
  for (const auto& [groups, rank] :
       {std::pair<int64_t, int64_t>{4, 64}, {8, 32}, {8, 96}}) {
    EditedCheckpoint checkpoint;
    checkpoint.edit_config([&](nlohmann::json& c) {
      c["o_groups"] = groups;
      c["o_lora_rank"] = rank;
    });
    const int64_t rows = groups * rank;
    const int64_t cols = 8 * 128 / groups;
    const auto resize = [&](const std::string& name, TensorShape shape) {
      Editable& tensor = checkpoint.tensors.at(name);
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

// MLX files: what belongs to a quantised module.
class BadMlxCheckpoints : public ::testing::Test {
 protected:
  static EditedCheckpoint affine() {
    const TemporaryDirectory directory;
    testing::relay_checkpoint(
        kNano,
        directory.path(),
        {.dense = testing::Storing::affine, .affine_bits = 4});
    return EditedCheckpoint(directory.path());
  }
  static constexpr const char* kModule = "model.layers.3.attn.wq_a";
};

TEST_F(BadMlxCheckpoints, MissingBiases) {
  EditedCheckpoint checkpoint = affine();
  checkpoint.tensors.erase(std::string(kModule) + ".biases");
  checkpoint.expect("corrupt", "affine quantization needs biases");
}

TEST_F(BadMlxCheckpoints, BiasesWhereNoneBelong) {
  EditedCheckpoint checkpoint = affine();
  checkpoint.tensors["model.layers.3.ffn.switch_mlp.up_proj.biases"] = {
      Dtype::bf16, {1}, {std::byte{0}, std::byte{0}}};
  checkpoint.expect("corrupt", "unexpected, mxfp4 has no biases");
  checkpoint.tensors.erase("model.layers.3.ffn.switch_mlp.up_proj.biases");
  checkpoint.tensors["model.embed_tokens.biases"] = {
      Dtype::bf16, {1}, {std::byte{0}, std::byte{0}}};
  checkpoint.expect("corrupt", "unexpected, because the weight is BF16");
}

TEST_F(BadMlxCheckpoints, APlanThatDoesNotFitTheWords) {
  EditedCheckpoint checkpoint = affine();
  checkpoint.edit_config(
      [](nlohmann::json& c) { c["quantization"][kModule]["bits"] = 8; });
  checkpoint.expect("corrupt", "of shape [256, 48], expected [256, 96]");
  EditedCheckpoint group = affine();
  group.edit_config(
      [](nlohmann::json& c) { c["quantization"][kModule]["group_size"] = 64; });
  group.expect("corrupt", "of shape [256, 12], expected [256, 6]");
}

TEST_F(BadMlxCheckpoints, APlanThatSaysNotQuantised) {
  EditedCheckpoint checkpoint = affine();
  checkpoint.edit_config(
      [](nlohmann::json& c) { c["quantization"][kModule] = false; });
  checkpoint.expect("corrupt", "config.json says quantization = false");
}

TEST_F(BadMlxCheckpoints, FloatScalesForMx) {
  EditedCheckpoint checkpoint = affine();
  Editable& scales =
      checkpoint.tensors.at("model.layers.3.ffn.switch_mlp.up_proj.scales");
  scales.dtype = Dtype::bf16;
  scales.bytes.resize(scales.bytes.size() * 2);
  checkpoint.expect("corrupt", "found dtype BF16, expected U8 or F8_E8M0");
}

// Valid, but at addresses that floats cannot be read from: a byte tensor in
// front shifts everything. Small tensors are copied.
TEST(UnalignedCheckpoints, SmallTensorsAreCopied) {
  EditedCheckpoint checkpoint;
  checkpoint.write();
  const LoadedModel straight = checkpoint.load();
  EXPECT_EQ(straight.report.copied_bytes, 0U);
  // Sorted by name, the 3-byte scale of some layers stands before floats.
  checkpoint.write(true);
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
  EditedCheckpoint checkpoint;
  Editable& sink = checkpoint.tensors.at("layers.3.attn.attn_sink");
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
  EditedCheckpoint checkpoint;
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
