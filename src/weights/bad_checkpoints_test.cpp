// Damaged and mismatched checkpoints: each gets one error that names the file,
// the tensor, what was found and what was expected.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/testing/temporary_directory.h"
#include "weights/load_checkpoint.h"
#include "weights/testing/edited_checkpoint.h"
#include "weights/testing/relay_checkpoint.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using testing::EditableTensor;
using testing::EditedCheckpoint;
using testing::TemporaryDirectory;

const fs::path kNano = fs::path(HADAL_SOURCE_DIR) / "models/nano";

TEST(BadCheckpoints, TheUnchangedOneLoads) {
  const EditedCheckpoint checkpoint(kNano);
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
    EditedCheckpoint checkpoint(kNano);
    checkpoint.tensors.erase(name);
    checkpoint.expect(
        "corrupt",
        "found 1 missing tensors (first: \"" + std::string(name) + "\")");
  }
}

TEST(BadCheckpoints, MissingScales) {
  for (const char* name :
       {"layers.6.ffn.experts.15.w2.scale", "layers.3.attn.wo_a.scale"}) {
    EditedCheckpoint checkpoint(kNano);
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
    EditedCheckpoint checkpoint(kNano);
    checkpoint.tensors[name] = {Dtype::u8, {1}, {std::byte{0}}};
    checkpoint.expect(
        "corrupt",
        "found 1 unexpected tensors (first: \"" + std::string(name) +
            "\" in model.safetensors)");
  }
}

TEST(BadCheckpoints, BothAreReportedTogether) {
  EditedCheckpoint checkpoint(kNano);
  checkpoint.rename("layers.2.ffn.gate.bias", "layers.2.ffn.gate.bios");
  checkpoint.expect(
      "corrupt",
      "found 1 missing tensors (first: \"layers.2.ffn.gate.bias\") and 1 "
      "unexpected tensors (first: \"layers.2.ffn.gate.bios\"");
}

TEST(BadCheckpoints, TheSameWeightUnderTwoNames) {
  EditedCheckpoint checkpoint(kNano);
  checkpoint.tensors["model.norm.weight"] =
      checkpoint.tensors.at("norm.weight");
  checkpoint.expect("corrupt", "the same weight as \"");
}

TEST(BadCheckpoints, TheSameWeightsInTwoForms) {
  EditedCheckpoint stacked(kNano);
  stacked.tensors["layers.2.ffn.switch_mlp.gate_proj.weight"] = {
      Dtype::u8, {1}, {std::byte{0}}};
  stacked.expect("corrupt", "there in a second form too");
  EditedCheckpoint fused(kNano);
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
    EditedCheckpoint checkpoint(kNano);
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
    EditedCheckpoint checkpoint(kNano);
    checkpoint.tensors.at(name).dtype = dtype;
    checkpoint.expect("corrupt", reason);
  }
}

TEST(BadCheckpoints, WordsWithoutAPlan) {
  EditedCheckpoint checkpoint(kNano);
  EditableTensor& weight = checkpoint.tensors.at("layers.3.attn.wq_a.weight");
  weight.dtype = Dtype::u32;
  weight.shape = {256, 96};
  checkpoint.expect("corrupt", "need a \"quantization\" block in config.json");
}

TEST(BadCheckpoints, NanScales) {
  EditedCheckpoint dense(kNano);
  dense.tensors.at("layers.3.attn.wo_a.scale").bytes[5] = std::byte{255};
  dense.expect("corrupt", "\"layers.3.attn.wo_a.scale\": scale 5 of [4, 4]");
  EditedCheckpoint expert(kNano);
  expert.tensors.at("mtp.0.ffn.experts.3.w2.scale").bytes[100] = std::byte{255};
  expert.expect("corrupt", "scale 100 of [384, 4] is NaN");
}

TEST(BadCheckpoints, NanFloatScales) {
  EditedCheckpoint checkpoint(kNano);
  EditableTensor& scale = checkpoint.tensors.at("layers.3.attn.wo_a.scale");
  scale.dtype = Dtype::f32;
  scale.bytes.assign(64, std::byte{0});
  EXPECT_EQ(checkpoint.verdict(), "no error");
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(scale.bytes.data() + 12, &infinity, sizeof infinity);
  checkpoint.expect("corrupt", "scale 3 of [4, 4] is NaN or infinite");
}

TEST(BadCheckpoints, HashTableWithAnExpertThatIsNot) {
  EditedCheckpoint checkpoint(kNano);
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
  EditedCheckpoint checkpoint(kNano);
  checkpoint.edit_config([](nlohmann::json& c) { c["hidden_size"] = 512; });
  checkpoint.expect(
      "corrupt", "config.json and the weights do not belong together");
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
  EditableTensor& scales =
      checkpoint.tensors.at("model.layers.3.ffn.switch_mlp.up_proj.scales");
  scales.dtype = Dtype::bf16;
  scales.bytes.resize(scales.bytes.size() * 2);
  checkpoint.expect("corrupt", "found dtype BF16, expected U8 or F8_E8M0");
}

}  // namespace
}  // namespace hadal
