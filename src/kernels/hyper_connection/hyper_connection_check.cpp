// The inputs of the hyper-connection cases, and a backend's kernels against the
// reference on them.
#include <cmath>
#include <cstring>

#include "kernels/case_tools.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/hyper_connection/hyper_connection.h"
#include "kernels/hyper_connection/hyper_connection_cases.h"

namespace hadal {

HyperConnectionInputs::HyperConnectionInputs(const HyperConnectionCase& shape)
    : shape_(shape) {
  const int64_t n = shape.n;
  const int64_t channels = n * shape.dim;
  const int64_t outputs = 2 * n + n * n;
  x.resize(shape.tokens * shape.dim);
  head_x.resize(shape.tokens * shape.dim);
  post_out.resize(shape.tokens * n);
  comb.resize(shape.tokens * n * n);
  out.resize(shape.tokens * channels);

  streams_ = random_values(shape.tokens * channels, 1);
  y_ = random_values(shape.tokens * shape.dim, 2);
  base_ = random_values(outputs, 3, 0.5f);
  scale_ = {0.7f, 0.4f, 1.3f};
  fixed_post_ = random_values(shape.tokens * n, 4);
  fixed_comb_ = random_values(shape.tokens * n * n, 5);
  norm_weight_ = random_values(shape.dim, 7, 0.2f);
  for (float& weight : norm_weight_)
    weight += 1.0f;

  const std::vector<float> fn = random_values(
      outputs * channels, 6, 1.0f / std::sqrt(static_cast<float>(channels)));
  fn_view_.format = shape.fn_format;
  fn_view_.rows = outputs;
  fn_view_.cols = channels;
  if (shape.fn_format == WeightFormat::f32) {
    fn_view_.row_bytes = channels * 4;
    fn_.resize(fn.size() * 4);
    std::memcpy(fn_.data(), fn.data(), fn_.size());
  } else {
    fn_view_.row_bytes = channels * 2;
    fn_.resize(fn.size() * 2);
    for (size_t i = 0; i < fn.size(); ++i) {
      const uint16_t bits = float_to_bf16(fn[i]);
      std::memcpy(fn_.data() + 2 * i, &bits, 2);
    }
  }
  fn_view_.data = fn_.data();
}

HyperConnectionPreParams HyperConnectionInputs::pre(
    int64_t first, int64_t count) {
  const int64_t n = shape_.n;
  HyperConnectionPreParams params;
  params.streams = streams_.data() + first * n * shape_.dim;
  params.tokens = count;
  params.n = n;
  params.dim = shape_.dim;
  params.fn = fn_view_;
  params.base = base_.data();
  params.scale = scale_.data();
  params.sinkhorn_iterations = shape_.sinkhorn_iterations;
  params.norm_eps = 1e-6f;
  params.hc_eps = 1e-6f;
  params.norm_weight = norm_weight_.data();
  params.x = x.data() + first * shape_.dim;
  params.post = post_out.data() + first * n;
  params.comb = comb.data() + first * n * n;
  return params;
}

HyperConnectionPostParams HyperConnectionInputs::post(
    int64_t first, int64_t count) {
  const int64_t n = shape_.n;
  HyperConnectionPostParams params;
  params.y = y_.data() + first * shape_.dim;
  params.streams = streams_.data() + first * n * shape_.dim;
  params.post = fixed_post_.data() + first * n;
  params.comb = fixed_comb_.data() + first * n * n;
  params.tokens = count;
  params.n = n;
  params.dim = shape_.dim;
  params.out = out.data() + first * n * shape_.dim;
  return params;
}

HyperConnectionBetweenParams HyperConnectionInputs::between(
    int64_t first, int64_t count) {
  HyperConnectionBetweenParams params{post(first, count), pre(first, count)};
  params.pre.streams = params.post.out;
  return params;
}

HyperConnectionHeadParams HyperConnectionInputs::head(
    int64_t first, int64_t count) {
  const int64_t n = shape_.n;
  HyperConnectionHeadParams params;
  params.streams = streams_.data() + first * n * shape_.dim;
  params.tokens = count;
  params.n = n;
  params.dim = shape_.dim;
  params.fn = row_slice(fn_view_, 0, n);
  params.base = base_.data();
  params.scale = scale_.data();
  params.norm_eps = 1e-6f;
  params.hc_eps = 1e-6f;
  params.norm_weight = norm_weight_.data();
  params.x = head_x.data() + first * shape_.dim;
  return params;
}

std::vector<float> HyperConnectionInputs::pre_outputs() const {
  std::vector<float> all = x;
  all.insert(all.end(), post_out.begin(), post_out.end());
  all.insert(all.end(), comb.begin(), comb.end());
  return all;
}

void check_hyper_connection(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const HyperConnectionCase& shape : kHyperConnectionCases) {
    HyperConnectionInputs inputs(shape);
    const auto add =
        [&](const char* kernel, const auto& reference, const auto& found) {
          out.push_back(check_case(
              kernel,
              shape.name,
              kHyperConnectionFloor,
              kHyperConnectionTolerance,
              reference,
              found));
        };
    const auto pre = [&](auto* function) {
      function(inputs.pre(0, shape.tokens), team);
      return inputs.pre_outputs();
    };
    const auto post = [&](auto* function) {
      function(inputs.post(0, shape.tokens), team);
      return inputs.out;
    };
    const auto between = [&](auto* function) {
      function(inputs.between(0, shape.tokens), team);
      std::vector<float> all = inputs.pre_outputs();
      all.insert(all.end(), inputs.out.begin(), inputs.out.end());
      return all;
    };
    const auto head = [&](auto* function) {
      function(inputs.head(0, shape.tokens), team);
      return inputs.head_x;
    };
    add(
        "hyper_connection_pre",
        [&] { return pre(hyper_connection_pre_reference); },
        [&] { return pre(backend.hyper_connection_pre); });
    add(
        "hyper_connection_post",
        [&] { return post(hyper_connection_post_reference); },
        [&] { return post(backend.hyper_connection_post); });
    add(
        "hyper_connection_between",
        [&] { return between(hyper_connection_between_reference); },
        [&] { return between(backend.hyper_connection_between); });
    add(
        "hyper_connection_head",
        [&] { return head(hyper_connection_head_reference); },
        [&] { return head(backend.hyper_connection_head); });
  }
}

}  // namespace hadal
