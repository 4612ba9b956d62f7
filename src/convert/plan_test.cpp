// Plans, the formats of their modules, their jobs, and fit.
#include "convert/plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "checkpoint/testing/temporary_directory.h"
#include "convert/fit.h"
#include "convert/module_format.h"
#include "convert/row_encoder.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::error_of;

const LoadedModel& nano() {
  static const LoadedModel model =
      load_checkpoint(std::filesystem::path(HADAL_SOURCE_DIR) / "models/nano");
  return model;
}

Recipe recipe(const std::string& rules, const char* layout = "mlx") {
  return parse_recipe(
      R"({"recipe": "own", "layout": ")" + std::string(layout) +
          R"(", "rules": )" + rules + "}",
      "own.json");
}

const PlannedModule& find(const ConvertPlan& plan, const std::string& name) {
  for (const PlannedModule& module : plan.modules)
    if (module.name == name)
      return module;
  throw std::runtime_error("no module " + name);
}

void expect_refusal(
    const Recipe& recipe, const char* part, const PlanOptions& options = {}) {
  const std::string found =
      error_of([&] { make_plan(nano(), recipe, options); });
  EXPECT_TRUE(found.starts_with("invalid_argument: ")) << found;
  EXPECT_NE(found.find(part), std::string::npos) << found;
}

TEST(Plan, EachSourceFormatGetsItsForm) {
  const ConvertPlan plan = make_plan(nano(), find_recipe("lossless"), {});
  const PlannedModule& dense = find(plan, "layers.3.attn.wq_a");
  EXPECT_EQ(dense.path, "model.layers.3.attn.wq_a");
  EXPECT_EQ(dense.encoding, Encoding::fp8_to_mx);
  EXPECT_EQ(output_format_text(dense), "mxfp8");
  EXPECT_EQ(source_format_text(dense), "fp8 128x128");
  const PlannedModule& experts = find(plan, "layers.3.ffn.experts.*.w1");
  EXPECT_EQ(experts.path, "model.layers.3.ffn.switch_mlp.gate_proj");
  EXPECT_EQ(experts.encoding, Encoding::copy);
  EXPECT_EQ(experts.source.items.size(), 16U);
  for (const PlannedModule& module : plan.modules) {
    EXPECT_TRUE(module.exact) << module.name;
    EXPECT_FALSE(module.rerounded) << module.name;
  }
  const RowBytes row = row_bytes(experts);
  EXPECT_EQ(row.weight, 384 / 2);
  EXPECT_EQ(row.scales, 384 / 32);
  EXPECT_EQ(row.biases, 0);
}

TEST(Plan, FirstMatchDecidesAndTheRestStays) {
  const ConvertPlan plan = make_plan(
      nano(),
      recipe(R"([{"match": "layers.0.*", "format": "bf16"},
                 {"match": "*.wq_*", "format": "affine", "bits": 5,
                  "group": 128}])"),
      {});
  EXPECT_EQ(output_format_text(find(plan, "layers.0.attn.wq_a")), "bf16");
  EXPECT_EQ(
      output_format_text(find(plan, "layers.1.attn.wq_a")),
      "affine 5 bit g128");
  EXPECT_TRUE(find(plan, "layers.1.attn.wq_a").rerounded);
  EXPECT_TRUE(find(plan, "layers.0.attn.wq_a").exact);
  EXPECT_EQ(output_format_text(find(plan, "layers.1.attn.wo_b")), "mxfp8");
  EXPECT_EQ(find(plan, "layers.1.attn.attn_sink").encoding, Encoding::copy);
}

TEST(Plan, ShardsHoldEveryPartOnceWithoutGaps) {
  const ConvertPlan plan =
      make_plan(nano(), find_recipe("3bit"), {.shard_bytes = 2'000'000});
  EXPECT_GT(plan.shards.size(), 5U);
  uint64_t bytes = 0;
  for (const PlannedShard& shard : plan.shards)
    bytes += shard.bytes;
  EXPECT_EQ(bytes, plan.bytes);
  // Wider elements come first in a file, so the order is not the modules'.
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> ends;
  std::set<std::string> names;
  for (const PlannedModule& module : plan.modules)
    for (const PlannedPart& part : module.parts) {
      ends[{part.shard, part.offset}] = part.offset + part.declaration.bytes();
      EXPECT_TRUE(names.insert(part.declaration.name).second) << module.name;
    }
  EXPECT_EQ(ends.size(), names.size());
  for (uint32_t shard = 0; shard < plan.shards.size(); ++shard) {
    uint64_t at = plan.shards[shard].header.size();
    while (ends.contains({shard, at}))
      at = ends[{shard, at}];
    EXPECT_EQ(at, plan.shards[shard].bytes) << plan.shards[shard].file;
  }
}

TEST(Plan, JobsCoverEveryRowOnce) {
  for (const char* name : {"lossless", "2bit"}) {
    const ConvertPlan plan = make_plan(nano(), find_recipe(name), {});
    std::vector<int64_t> rows(plan.modules.size());
    std::vector<uint64_t> bytes(plan.modules.size());
    size_t last = 0;
    RowEncoder encoder({AffineRule::plain});
    EncodedRows out;
    for (const RowJob& job : make_jobs(plan, 50'000)) {
      const PlannedModule& module = plan.modules[job.module];
      EXPECT_GE(job.module, last);
      last = job.module;
      const int64_t before = job.item * module.source.shape.rows + job.first;
      EXPECT_EQ(rows[job.module], before) << module.name;
      EXPECT_EQ(job.offsets[0], bytes[job.module]) << module.name;
      rows[job.module] += job.count;
      encoder.encode(module, job, out);
      bytes[job.module] += out.parts[0].size();
    }
    for (size_t m = 0; m < plan.modules.size(); ++m)
      EXPECT_EQ(bytes[m], plan.modules[m].parts[0].declaration.bytes())
          << plan.modules[m].name;
  }
}

TEST(Plan, Refusals) {
  expect_refusal(
      recipe(R"([{"match": "layers.99.*", "format": "bf16"}])"),
      "matches no tensor");
  expect_refusal(
      recipe(R"([{"match": "*.attn_norm", "format": "bf16"}])"),
      "stay as they are");
  expect_refusal(
      recipe(R"([{"match": "*", "format": "affine", "bits": 4}])", "release"),
      "no affine format");
  // An earlier conversion rounded one of them.
  const std::set<std::string> before{"layers.2.attn.wkv"};
  expect_refusal(
      find_recipe("2bit"), "--requantize", {.rerounded_before = &before});
  make_plan(
      nano(),
      find_recipe("2bit"),
      {.requantize = true, .rerounded_before = &before});
  make_plan(nano(), find_recipe("lossless"), {.rerounded_before = &before});
}

// ---- fit

std::optional<uint64_t> fitted_bytes(uint64_t bytes) {
  try {
    const Recipe fitted =
        fit_recipe(nano(), {.bytes = bytes, .rule = AffineRule::plain});
    return make_plan(nano(), fitted, {.requantize = true}).bytes;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return std::nullopt;
  }
}

TEST(Fit, UsesTheSizeAndNoMore) {
  EXPECT_FALSE(fitted_bytes(8'000'000));
  for (const uint64_t bytes : {12'000'000, 16'000'000, 20'000'000}) {
    const std::optional<uint64_t> used = fitted_bytes(bytes);
    ASSERT_TRUE(used);
    EXPECT_LE(*used, bytes);
    EXPECT_GT(*used, bytes * 9 / 10);
  }
}

TEST(Fit, WhereAllFitsNothingIsRounded) {
  const Recipe fitted =
      fit_recipe(nano(), {.bytes = 100'000'000, .rule = AffineRule::plain});
  const ConvertPlan plan = make_plan(nano(), fitted, {});
  for (const PlannedModule& module : plan.modules)
    EXPECT_TRUE(module.exact) << module.name;
}

TEST(Fit, RoundsFirstWhereItHurtsLeast) {
  // What the indexer reads decides about few positions, the head about all.
  const Recipe fitted =
      fit_recipe(nano(), {.bytes = 16'000'000, .rule = AffineRule::plain});
  const ConvertPlan plan = make_plan(nano(), fitted, {.requantize = true});
  const auto bits = [&](const char* name) {
    const PlannedModule& module = find(plan, name);
    return 8.0 * static_cast<double>(module.bytes()) /
           static_cast<double>(module.weights());
  };
  EXPECT_LT(bits("layers.2.attn.indexer.wq_b"), bits("head"));
  EXPECT_LT(bits("layers.2.ffn.experts.*.w3"), bits("head"));
}

}  // namespace
}  // namespace hadal
