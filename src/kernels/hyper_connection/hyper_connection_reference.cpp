// The meaning of the hyper-connections in plain scalar float32; only the long
// sums run in double, or their rounding would be most of what a comparison
// finds.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/codecs/dequantize.h"
#include "kernels/hyper_connection/hyper_connection.h"

namespace hadal {
namespace {

float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

// fn as float32 rows [outputs, n * dim].
std::vector<float> float_rows(const WeightView& fn) {
  std::vector<float> rows(fn.rows * fn.cols);
  widen(fn, rows.data());
  return rows;
}

// mix[o] = (fn_o . f) * rho, the norm applied after the product.
std::vector<float> mix_streams(
    const float* f,
    int64_t channels,
    const std::vector<float>& fn,
    int64_t outputs,
    float norm_eps) {
  double squares = 0;
  for (int64_t i = 0; i < channels; ++i)
    squares += static_cast<double>(f[i]) * f[i];
  const float mean = static_cast<float>(squares) / static_cast<float>(channels);
  const float rho = 1.0f / std::sqrt(mean + norm_eps);

  std::vector<float> mix(outputs);
  for (int64_t o = 0; o < outputs; ++o) {
    double sum = 0;
    for (int64_t i = 0; i < channels; ++i)
      sum += static_cast<double>(fn[o * channels + i]) * f[i];
    mix[o] = static_cast<float>(sum) * rho;
  }
  return mix;
}

void weighted_sum(
    const float* streams, const float* pre, int64_t n, int64_t dim, float* x) {
  for (int64_t d = 0; d < dim; ++d) {
    float sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum += pre[i] * streams[i * dim + d];
    x[d] = sum;
  }
}

void norm(const float* weight, float eps, int64_t dim, float* x) {
  if (weight == nullptr)
    return;
  double sum = 0;
  for (int64_t d = 0; d < dim; ++d)
    sum += static_cast<double>(x[d]) * x[d];
  const float mean = static_cast<float>(sum) / static_cast<float>(dim);
  const float f = 1 / std::sqrt(mean + eps);
  for (int64_t d = 0; d < dim; ++d)
    x[d] = x[d] * f * weight[d];
}

void softmax_rows(float* comb, int64_t n, float eps) {
  for (int64_t j = 0; j < n; ++j) {
    float* row = comb + j * n;
    const float maximum = *std::max_element(row, row + n);
    float sum = 0;
    for (int64_t k = 0; k < n; ++k) {
      row[k] = std::exp(row[k] - maximum);
      sum += row[k];
    }
    for (int64_t k = 0; k < n; ++k)
      row[k] = row[k] / sum + eps;
  }
}

void normalise_rows(float* comb, int64_t n, float eps) {
  for (int64_t j = 0; j < n; ++j) {
    float sum = 0;
    for (int64_t k = 0; k < n; ++k)
      sum += comb[j * n + k];
    for (int64_t k = 0; k < n; ++k)
      comb[j * n + k] /= sum + eps;
  }
}

void normalise_columns(float* comb, int64_t n, float eps) {
  for (int64_t k = 0; k < n; ++k) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j)
      sum += comb[j * n + k];
    for (int64_t j = 0; j < n; ++j)
      comb[j * n + k] /= sum + eps;
  }
}

// Sinkhorn's iteration makes rows and columns sum to about one. It ends on the
// columns.
void sinkhorn(float* comb, int64_t n, int64_t iterations, float eps) {
  softmax_rows(comb, n, eps);
  normalise_columns(comb, n, eps);
  for (int64_t i = 1; i < iterations; ++i) {
    normalise_rows(comb, n, eps);
    normalise_columns(comb, n, eps);
  }
}

void pre_token(
    const HyperConnectionPreParams& params,
    const std::vector<float>& fn,
    int64_t token) {
  const int64_t n = params.n;
  const int64_t channels = n * params.dim;
  const float* streams = params.streams + token * channels;
  const std::vector<float> mix =
      mix_streams(streams, channels, fn, 2 * n + n * n, params.norm_eps);

  std::vector<float> pre(n);
  float* post = params.post + token * n;
  float* comb = params.comb + token * n * n;
  const float* base = params.base;
  const float* scale = params.scale;
  for (int64_t i = 0; i < n; ++i) {
    pre[i] = sigmoid(mix[i] * scale[0] + base[i]) + params.hc_eps;
    post[i] = 2.0f * sigmoid(mix[n + i] * scale[1] + base[n + i]);
  }
  for (int64_t i = 0; i < n * n; ++i)
    comb[i] = mix[2 * n + i] * scale[2] + base[2 * n + i];
  sinkhorn(comb, n, params.sinkhorn_iterations, params.hc_eps);
  float* x = params.x + token * params.dim;
  weighted_sum(streams, pre.data(), n, params.dim, x);
  norm(params.norm_weight, params.norm_eps, params.dim, x);
}

void post_token(const HyperConnectionPostParams& params, int64_t token) {
  const int64_t n = params.n;
  const int64_t dim = params.dim;
  const float* streams = params.streams + token * n * dim;
  const float* y = params.y + token * dim;
  const float* post = params.post + token * n;
  const float* comb = params.comb + token * n * n;
  std::vector<float> column(n);
  for (int64_t d = 0; d < dim; ++d) {
    for (int64_t k = 0; k < n; ++k) {
      column[k] = post[k] * y[d];
      for (int64_t j = 0; j < n; ++j)
        column[k] += comb[j * n + k] * streams[j * dim + d];
    }
    for (int64_t k = 0; k < n; ++k)
      params.out[(token * n + k) * dim + d] = column[k];
  }
}

void head_token(
    const HyperConnectionHeadParams& params,
    const std::vector<float>& fn,
    int64_t token) {
  const int64_t n = params.n;
  const int64_t channels = n * params.dim;
  const float* streams = params.streams + token * channels;
  std::vector<float> pre =
      mix_streams(streams, channels, fn, n, params.norm_eps);
  for (int64_t i = 0; i < n; ++i)
    pre[i] = sigmoid(pre[i] * params.scale[0] + params.base[i]) + params.hc_eps;
  float* x = params.x + token * params.dim;
  weighted_sum(streams, pre.data(), n, params.dim, x);
  norm(params.norm_weight, params.norm_eps, params.dim, x);
}

}  // namespace

void hyper_connection_pre_reference(
    const HyperConnectionPreParams& params, ThreadTeam& team) {
  const std::vector<float> fn = float_rows(params.fn);
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          pre_token(params, fn, token);
      });
}

void hyper_connection_post_reference(
    const HyperConnectionPostParams& params, ThreadTeam& team) {
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          post_token(params, token);
      });
}

void hyper_connection_between_reference(
    const HyperConnectionBetweenParams& params, ThreadTeam& team) {
  hyper_connection_post_reference(params.post, team);
  hyper_connection_pre_reference(params.pre, team);
}

void hyper_connection_head_reference(
    const HyperConnectionHeadParams& params, ThreadTeam& team) {
  if (params.rows != nullptr) {
    const std::vector<float> streams = gathered_streams(params);
    HyperConnectionHeadParams dense = params;
    dense.streams = streams.data();
    dense.rows = nullptr;
    return hyper_connection_head_reference(dense, team);
  }
  const std::vector<float> fn = float_rows(params.fn);
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          head_token(params, fn, token);
      });
}

}  // namespace hadal
