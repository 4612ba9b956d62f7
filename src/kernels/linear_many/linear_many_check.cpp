// The cases of several products at once, and a backend against the reference on
// them.
#include <cmath>

#include "kernels/case_tools.h"
#include "kernels/linear_many/linear_many.h"
#include "kernels/linear_many/linear_many_cases.h"

namespace hadal {

std::vector<LinearManyCase> linear_many_cases() {
  constexpr auto kF32 = ActivationFormat::f32;
  constexpr auto kBf16 = ActivationFormat::bf16;
  constexpr auto kInt8 = ActivationFormat::int8;
  const LinearManyPart bf16 = {
      WeightFormat::bf16, ScaleFormat::none, 100, kF32, 0};
  const LinearManyPart fp8 = {
      WeightFormat::fp8_block, ScaleFormat::e8m0, 256, kBf16, 0};
  const LinearManyPart f32 = {WeightFormat::f32, ScaleFormat::none, 7, kF32, 0};
  const LinearManyPart mxfp4 = {
      WeightFormat::mxfp4, ScaleFormat::e8m0, 64, kInt8, 1};
  const LinearManyPart other = {
      WeightFormat::bf16, ScaleFormat::none, 33, kBf16, 1};
  std::vector<LinearManyCase> cases;
  for (const int64_t tokens : {1, 5, 40})
    cases.push_back(
        {tokens == 1   ? "attention inputs, one token"
         : tokens == 5 ? "attention inputs, five tokens"
                       : "attention inputs, chunk",
         tokens,
         384,
         {fp8, bf16, f32, mxfp4, other, fp8}});
  cases.push_back({"groups of wo_a", 1, 512, {other, bf16, other, bf16}});
  cases.push_back({"odd width", 3, 130, {bf16, f32, other}});
  cases.push_back({"one product", 1, 256, {fp8}});
  return cases;
}

LinearManyInputs::LinearManyInputs(const LinearManyCase& the_case)
    : case_(the_case),
      x_(random_values(2 * the_case.tokens * the_case.cols, 1)) {
  uint64_t seed = 2;
  for (const LinearManyPart& part : the_case.parts) {
    weights_.emplace_back(
        WeightView{
            .format = part.format,
            .scale_format = part.scales,
            .rows = part.rows,
            .cols = the_case.cols},
        seed++);
    outputs_ += the_case.tokens * part.rows;
  }
}

std::vector<LinearParams> LinearManyInputs::products(
    std::vector<float>& y) const {
  std::vector<LinearParams> products;
  float* out = y.data();
  for (size_t i = 0; i < case_.parts.size(); ++i) {
    const LinearManyPart& part = case_.parts[i];
    products.push_back(
        {.x = x_.data() + part.input * case_.tokens * case_.cols,
         .x_stride = case_.cols,
         .y = out,
         .y_stride = part.rows,
         .tokens = case_.tokens,
         .weight = weights_[i].view(),
         .activation = part.activation});
    out += case_.tokens * part.rows;
  }
  return products;
}

void check_linear_many(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const LinearManyCase& the_case : linear_many_cases()) {
    const LinearManyInputs inputs(the_case);
    const auto run = [&](auto* linear_many) {
      std::vector<float> y(static_cast<size_t>(inputs.outputs()));
      const std::vector<LinearParams> products = inputs.products(y);
      linear_many(std::span(products), team);
      return y;
    };
    checks.push_back(check_case(
        "linear_many",
        the_case.name,
        std::sqrt(static_cast<double>(the_case.cols)),
        kLinearManyTolerance,
        [&] { return run(linear_many_reference); },
        [&] { return run(backend.linear_many); }));
  }
}

}  // namespace hadal
