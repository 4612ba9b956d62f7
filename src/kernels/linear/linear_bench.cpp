// One product of every format: at one token its weights are read once from
// memory, at many the products are the work.
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/bench_tools.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/random_weight.h"
#include "kernels/synthetic_weight.h"

namespace hadal {
namespace {

constexpr int64_t kRows = 16384;
constexpr int64_t kManyRows = 4096;  // with many tokens
constexpr int64_t kCols = 4096;
constexpr int64_t kMostTokens = 2048;

struct Product {
  const char* name;
  WeightView weight;  // format only
  ActivationFormat activation;
  Arithmetic arithmetic;
};

std::vector<Product> products() {
  using enum WeightFormat;
  const auto with_scales = [](WeightFormat format) {
    return scaled_weight(format, 0, kCols);
  };
  const auto plain = [](WeightFormat format) {
    return float_weight(format, 0, kCols);
  };
  const ActivationFormat full = ActivationFormat::f32;
  const ActivationFormat half = ActivationFormat::bf16;
  const Arithmetic fma = Arithmetic::fp32_fma;
  const Arithmetic dot = Arithmetic::bf16_dot;
  return {
      {"fp8 bf16", with_scales(fp8_block), half, dot},
      {"mxfp8 bf16", with_scales(mxfp8), half, dot},
      {"bf16 bf16", plain(bf16), half, dot},
      {"fp8 f32", with_scales(fp8_block), full, fma},
      {"mxfp4 f32", with_scales(mxfp4), full, fma},
      {"affine4 f32", affine_weight(4, 64, 0, kCols), full, fma},
      {"affine8 f32", affine_weight(8, 64, 0, kCols), full, fma},
      {"bf16 f32", plain(bf16), full, fma},
      {"f16 f32", plain(f16), full, fma},
      {"f32 f32", plain(f32), full, fma},
      {"mxfp4 int16",
       with_scales(mxfp4),
       ActivationFormat::int16,
       Arithmetic::int8_dot},
      {"mxfp4 int8",
       with_scales(mxfp4),
       ActivationFormat::int8,
       Arithmetic::int8_dot},
      {"affine2 int8",
       affine_weight(2, 64, 0, kCols),
       ActivationFormat::int8,
       Arithmetic::int8_dot},
      {"affine4 int8",
       affine_weight(4, 64, 0, kCols),
       ActivationFormat::int8,
       Arithmetic::int8_dot},
      {"affine8 int8",
       affine_weight(8, 64, 0, kCols),
       ActivationFormat::int8,
       Arithmetic::int8_dot},
  };
}

// The weight and its tokens, made by the first row that runs.
class Bench {
 public:
  Bench(const Product& product, int64_t rows)
      : activation_(product.activation),
        weights_([&] {
          WeightView view = product.weight;
          view.rows = rows;
          return view;
        }()),
        x_(random_values(kMostTokens * kCols, 1)),
        y_(static_cast<size_t>(kMostTokens * rows)) {}

  void run(int64_t tokens, ThreadTeam& team) {
    const WeightView& weight = weights_.next();
    cpu_backend().linear(
        {.x = x_.data(),
         .x_stride = kCols,
         .y = y_.data(),
         .y_stride = weight.rows,
         .tokens = tokens,
         .weight = weight,
         .activation = activation_},
        team);
  }

 private:
  ActivationFormat activation_;
  ColdWeights weights_;
  std::vector<float> x_;
  std::vector<float> y_;
};

void declare(KernelBenches& benches) {
  for (const Product& product : products()) {
    const auto few = std::make_shared<std::unique_ptr<Bench> >();
    const auto many = std::make_shared<std::unique_ptr<Bench> >();
    for (const int64_t tokens : {1, 2, 4, 8, 12, 64, 512, 2048}) {
      const int64_t rows = tokens <= 8 ? kRows : kManyRows;
      const auto& bench = tokens <= 8 ? few : many;
      WeightView shape = product.weight;
      shape.rows = rows;
      BenchWork work = {
          .operations = 2.0 * static_cast<double>(rows * kCols * tokens),
          .arithmetic = product.arithmetic};
      if (tokens <= 8)
        work = {.bytes = static_cast<double>(stored_bytes(shape))};
      benches.add(
          std::string(product.name) + ", tokens " + std::to_string(tokens),
          work,
          [bench, product, rows, tokens, &benches] {
            if (*bench == nullptr)
              *bench = std::make_unique<Bench>(product, rows);
            (*bench)->run(tokens, benches.team());
          });
    }
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run_kernel_benches(argc, argv, hadal::declare);
}
