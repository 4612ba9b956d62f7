// The mixture of experts at the sizes of Flash: six experts of 256 and the
// shared one. At one token every weight of the chosen experts is read once from
// memory, at many the products are the work.
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/bench_tools.h"
#include "kernels/experts/experts_params.h"
#include "kernels/random_weight.h"
#include "kernels/synthetic_weight.h"

namespace hadal {
namespace {

constexpr int64_t kHidden = 4096;
constexpr int64_t kInner = 2048;
constexpr int64_t kPerToken = 6;
constexpr int64_t kMostTokens = 512;

struct Recipe {
  const char* name;
  WeightView routed;  // format only
  ActivationFormat routed_activation;
  Arithmetic arithmetic;
};

constexpr WeightView kShared = {
    .format = WeightFormat::fp8_block, .scale_format = ScaleFormat::e8m0};

constexpr Recipe kRecipes[] = {
    {"fp4 int8",
     {.format = WeightFormat::mxfp4, .scale_format = ScaleFormat::e8m0},
     ActivationFormat::int8,
     Arithmetic::int8_dot},
    {"fp4 int16",
     {.format = WeightFormat::mxfp4, .scale_format = ScaleFormat::e8m0},
     ActivationFormat::int16,
     Arithmetic::int8_dot},
    {"fp4 f32",
     {.format = WeightFormat::mxfp4, .scale_format = ScaleFormat::e8m0},
     ActivationFormat::f32,
     Arithmetic::fp32_fma},
    {"fp8 bf16",
     {.format = WeightFormat::fp8_block, .scale_format = ScaleFormat::e8m0},
     ActivationFormat::bf16,
     Arithmetic::bf16_dot},
    {"affine4 int8",
     {.format = WeightFormat::affine,
      .scale_format = ScaleFormat::bf16,
      .bits = 4,
      .group = 64},
     ActivationFormat::int8,
     Arithmetic::int8_dot},
};

WeightView shaped(WeightView like, int64_t rows, int64_t cols) {
  like.rows = rows;
  like.cols = cols;
  return like;
}

// Gate, up and down of one expert.
double expert_bytes(const WeightView& like) {
  return static_cast<double>(
      2 * stored_bytes(shaped(like, kInner, kHidden)) +
      stored_bytes(shaped(like, kHidden, kInner)));
}

BenchWork work_of(const Recipe& recipe, int64_t tokens) {
  if (tokens == 1)
    return {
        .bytes =
            kPerToken * expert_bytes(recipe.routed) + expert_bytes(kShared)};
  return {
      .operations = 2.0 * 3 * kHidden * kInner * (kPerToken + 1) *
                    static_cast<double>(tokens),
      .arithmetic = recipe.arithmetic};
}

// Experts of one format; the same 32 stand for all 256, since they are several
// times as large as a cache.
class Layer {
 public:
  explicit Layer(const Recipe& recipe)
      : recipe_(recipe),
        gate_(shaped(recipe.routed, kInner, kHidden), 32 * kExpertBytes),
        up_(shaped(recipe.routed, kInner, kHidden), 32 * kExpertBytes),
        down_(shaped(recipe.routed, kHidden, kInner), 32 * kExpertBytes),
        shared_gate_(shaped(kShared, kInner, kHidden), kSharedBytes),
        shared_up_(shaped(kShared, kInner, kHidden), kSharedBytes),
        shared_down_(shaped(kShared, kHidden, kInner), kSharedBytes),
        x_(random_values(kMostTokens * kHidden, 1)),
        y_(static_cast<size_t>(kMostTokens * kHidden)) {
    RandomNumbers random(2);
    const auto experts = static_cast<int64_t>(gate_.views().size());
    // Six neighbours from a random expert on: different ones.
    for (int64_t t = 0; t < kTables * kMostTokens; ++t) {
      const uint64_t first = random.bits();
      for (uint64_t k = 0; k < kPerToken; ++k)
        indices_.push_back(static_cast<int32_t>(
            (first + 5 * k) % static_cast<uint64_t>(experts)));
    }
    weights_.assign(static_cast<size_t>(kMostTokens * kPerToken), 0.25F);
  }

  // Another choice of experts at each call.
  void run(int64_t tokens, ThreadTeam& team) {
    turn_ = (turn_ + 1) % kTables;
    cpu_backend().experts(
        {.x = x_.data(),
         .y = y_.data(),
         .tokens = tokens,
         .hidden = kHidden,
         .inner = kInner,
         .per_token = kPerToken,
         .indices = indices_.data() + turn_ * kMostTokens * kPerToken,
         .weights = weights_.data(),
         .experts =
             {gate_.views().data(),
              up_.views().data(),
              down_.views().data(),
              static_cast<int64_t>(gate_.views().size())},
         .shared_gate = shared_gate_.next(),
         .shared_up = shared_up_.next(),
         .shared_down = shared_down_.next(),
         .limit = 10,
         .expert_activation = recipe_.routed_activation,
         .shared_activation = ActivationFormat::bf16},
        team);
  }

 private:
  static constexpr int64_t kExpertBytes = kInner * kHidden / 2;
  static constexpr int64_t kSharedBytes = 8 * kInner * kHidden;
  static constexpr int64_t kTables = 16;

  Recipe recipe_;
  ColdWeights gate_;
  ColdWeights up_;
  ColdWeights down_;
  ColdWeights shared_gate_;
  ColdWeights shared_up_;
  ColdWeights shared_down_;
  std::vector<float> x_;
  std::vector<float> y_;
  std::vector<int32_t> indices_;  // [tables, tokens, per token]
  std::vector<float> weights_;
  int64_t turn_ = 0;
};

void declare(KernelBenches& benches) {
  for (const Recipe& recipe : kRecipes) {
    // Made by the first row that runs: a filter leaves the others out.
    const auto layer = std::make_shared<std::unique_ptr<Layer>>();
    for (int64_t tokens : {1, 8, 64, 512})
      benches.add(
          std::string(recipe.name) + ", tokens " + std::to_string(tokens),
          work_of(recipe, tokens),
          [layer, &recipe, tokens, &benches] {
            if (*layer == nullptr)
              *layer = std::make_unique<Layer>(recipe);
            (*layer)->run(tokens, benches.team());
          });
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run_kernel_benches(argc, argv, hadal::declare);
}
