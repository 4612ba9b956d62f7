// Sources in other layouts than the release's own become the same numbers: the
// names of transformers, and the base models' FP8 experts with F32 scales.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint_files.h"
#include "checkpoint/testing/temporary_directory.h"
#include "convert/convert.h"
#include "hadal/error.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/mx_encode.h"
#include "kernels/codecs/number_formats.h"
#include "weights/testing/edited_checkpoint.h"
#include "weights/testing/relay_checkpoint.h"

namespace hadal {
namespace {

using testing::EditableTensor;
using testing::EditedCheckpoint;
using testing::TemporaryDirectory;

const std::filesystem::path kNano =
    std::filesystem::path(HADAL_SOURCE_DIR) / "models/nano";
const std::filesystem::path kTiny =
    std::filesystem::path(HADAL_SOURCE_DIR) / "tests/data/oracle/tiny";

using Contents = std::map<std::string, std::vector<std::byte>>;

// What a conversion writes, tensor by tensor.
Contents converted(
    const std::filesystem::path& source, const std::string& rules) {
  const TemporaryDirectory directory;
  ConvertOptions options{
      .source = source,
      .destination = directory / "out",
      .recipe =
          parse_recipe(R"({"recipe": "own", "rules": )" + rules + "}", ""),
      .rule = AffineRule::plain,
      .threads = 2};
  Conversion(options).run();
  Contents out;
  const CheckpointFiles files(options.destination);
  for (const SafetensorsFile& shard : files.shards())
    for (const StoredTensor& tensor : shard.tensors())
      out[tensor.name] = {tensor.data, tensor.data + tensor.bytes};
  return out;
}

void expect_equal(const Contents& found, const Contents& expected) {
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [name, bytes] : expected) {
    const auto there = found.find(name);
    ASSERT_NE(there, found.end()) << name;
    EXPECT_TRUE(there->second == bytes) << name;
  }
}

TEST(SourceLayouts, NamesOfTransformersInBf16) {
  const TemporaryDirectory directory;
  testing::relay_checkpoint(
      kNano,
      directory.path(),
      {.spelling = testing::Spelling::transformers,
       .experts = testing::Storing::bf16,
       .dense = testing::Storing::bf16});
  // Both hold the same numbers, so what is made of the numbers is the same; an
  // mx format would keep the release's scales where they are known.
  for (const char* rules :
       {R"([{"match": "*", "format": "f32"}])",
        R"([{"match": "*", "format": "affine", "bits": 4}])"})
    expect_equal(converted(directory.path(), rules), converted(kNano, rules));
}

// Every matrix in FP8 with F32 scales that are no powers of two; `make` gets
// the name of a matrix and its numbers.
class BaseCheckpoint {
 public:
  BaseCheckpoint() : checkpoint_(kTiny) {
    const LoadedModel tiny = load_checkpoint(kTiny);
    for (const SourceTensor& tensor : source_tensors(tiny)) {
      if (tensor.ids != nullptr)
        continue;
      for (size_t i = 0; i < tensor.items.size(); ++i) {
        const WeightView& view = tensor.items[i];
        const bool experts = rule(tensor.id).count == TensorCount::per_expert;
        if (view.format == WeightFormat::mxfp4)
          store(
              release_name(
                  tensor.id,
                  tensor.block,
                  experts ? static_cast<int64_t>(i) : -1),
              view);
        else if (view.format == WeightFormat::fp8_block && i == 0)
          widen_scales(release_name(tensor.id, tensor.block));
      }
    }
    checkpoint_.edit_config(
        [](nlohmann::json& config) { config.erase("expert_dtype"); });
    checkpoint_.write();
  }

  const EditedCheckpoint& operator*() const { return checkpoint_; }

 private:
  static float odd_scale(std::byte e8m0) {
    return 1.3F * e8m0_to_float(static_cast<uint8_t>(e8m0));
  }

  static EditableTensor f32(
      const TensorShape& shape, const std::vector<std::byte>& scales) {
    EditableTensor out{Dtype::f32, shape, {}};
    for (const std::byte scale : scales) {
      const float wide = odd_scale(scale);
      const auto* bytes = reinterpret_cast<const std::byte*>(&wide);
      out.bytes.insert(out.bytes.end(), bytes, bytes + 4);
    }
    return out;
  }

  void widen_scales(const std::string& name) {
    EditableTensor& scale = checkpoint_.tensors.at(name + ".scale");
    scale = f32(scale.shape, scale.bytes);
  }

  void store(const std::string& name, const WeightView& view) {
    std::vector<float> values(static_cast<size_t>(view.rows * view.cols));
    widen(view, values.data());
    const int64_t across = (view.cols + kFp8Block - 1) / kFp8Block;
    const int64_t down = (view.rows + kFp8Block - 1) / kFp8Block;
    std::vector<std::byte> codes(values.size());
    std::vector<std::byte> scales(static_cast<size_t>(across * down));
    for (int64_t row = 0; row < view.rows; row += kFp8Block)
      encode_fp8_block_row(
          values.data() + row * view.cols,
          std::min(kFp8Block, view.rows - row),
          view.cols,
          codes.data() + row * view.cols,
          scales.data() + row / kFp8Block * across);
    checkpoint_.tensors.at(name + ".weight") = {
        Dtype::f8_e4m3, {view.rows, view.cols}, codes};
    checkpoint_.tensors.at(name + ".scale") = f32({down, across}, scales);
  }

  EditedCheckpoint checkpoint_;
};

TEST(SourceLayouts, BaseModelsWithF32Scales) {
  const BaseCheckpoint base;
  const LoadedModel model = (*base).load();
  ASSERT_EQ(model.config.expert_format, ExpertFormat::fp8);
  int64_t with_f32_scales = 0;
  const Contents wide =
      converted((*base).directory(), R"([{"match": "*", "format": "f32"}])");
  const Contents affine = converted(
      (*base).directory(),
      R"([{"match": "*", "format": "affine", "bits": 8, "group": 32}])");
  const ConvertPlan plan = make_plan(
      model,
      parse_recipe(
          R"({"recipe": "w", "rules": [{"match": "*", "format": "f32"}]})", ""),
      {});
  for (const PlannedModule& module : plan.modules) {
    if (module.source.ids != nullptr ||
        rule(module.source.id).storage != TensorStorage::matrix)
      continue;
    std::vector<float> numbers;
    for (const WeightView& view : module.source.items) {
      with_f32_scales += view.scale_format == ScaleFormat::f32 ? 1 : 0;
      std::vector<float> part(static_cast<size_t>(view.rows * view.cols));
      widen(view, part.data());
      numbers.insert(numbers.end(), part.begin(), part.end());
    }
    const std::vector<std::byte>& stored = wide.at(module.path + ".weight");
    ASSERT_EQ(stored.size(), numbers.size() * 4) << module.path;
    EXPECT_EQ(std::memcmp(stored.data(), numbers.data(), stored.size()), 0)
        << module.path;
    // MLX quantises what a model's bfloat16 holds: the same rows by hand.
    for (float& number : numbers)
      number = bf16_to_float(float_to_bf16(number));
    std::vector<std::byte> codes(numbers.size());
    std::vector<std::byte> scales(numbers.size() / 32 * 2);
    std::vector<std::byte> biases(scales.size());
    const int64_t cols = module.source.shape.cols;
    for (int64_t at = 0; at < static_cast<int64_t>(numbers.size()); at += cols)
      encode_affine_row(
          {8, 32, ScaleFormat::bf16},
          AffineRule::plain,
          numbers.data() + at,
          {},
          cols,
          codes.data() + at,
          scales.data() + at / 16,
          biases.data() + at / 16);
    EXPECT_TRUE(affine.at(module.path + ".weight") == codes) << module.path;
    EXPECT_TRUE(affine.at(module.path + ".scales") == scales) << module.path;
    EXPECT_TRUE(affine.at(module.path + ".biases") == biases) << module.path;
  }
  EXPECT_GT(with_f32_scales, 50);
  // No mx format has scales like these.
  EXPECT_NE(
      testing::error_of([&] {
        converted((*base).directory(), R"([{"match": "*", "format": "same"}])");
      }).find("F32 scales"),
      std::string::npos);
}

}  // namespace
}  // namespace hadal
