// Prints what every format costs on synthetic weights, as JSON: noise over
// signal (squared error over squares) of rows of the true width, 4096, whose
// values have heavy tails (Student's t with 5 degrees of freedom) or none
// (normal). Read by measure.py; build target hadal_format_errors.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/mx_encode.h"
#include "kernels/codecs/number_formats.h"

namespace {

using namespace hadal;

constexpr int64_t kRows = 128;
constexpr int64_t kCols = 4096;

template <class Distribution>
std::vector<float> draw(Distribution distribution) {
  std::mt19937 random(1);
  std::vector<float> values(kRows * kCols);
  for (float& value : values)
    value = bf16_to_float(
        float_to_bf16(static_cast<float>(0.02 * distribution(random))));
  return values;
}

struct Stored {
  WeightView view;
  std::vector<std::byte> data, scales, biases;
};

double noise(const std::vector<float>& values, const Stored& stored) {
  std::vector<float> row(kCols);
  double off = 0;
  double all = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    dequantize_row(stored.view, r, row.data());
    for (int64_t i = 0; i < kCols; ++i) {
      const double value = values[static_cast<size_t>(r * kCols + i)];
      const double d = value - static_cast<double>(row[static_cast<size_t>(i)]);
      off += d * d;
      all += value * value;
    }
  }
  return off / all;
}

Stored make(WeightFormat format, int64_t row_bytes, int64_t scale_bytes) {
  Stored out;
  out.data.resize(static_cast<size_t>(kRows * row_bytes));
  out.scales.resize(static_cast<size_t>(kRows * scale_bytes));
  out.biases.resize(out.scales.size());
  out.view.format = format;
  out.view.scale_format =
      format == WeightFormat::affine ? ScaleFormat::bf16 : ScaleFormat::e8m0;
  out.view.rows = kRows;
  out.view.cols = kCols;
  out.view.row_bytes = row_bytes;
  out.view.scale_stride = scale_bytes;
  out.view.data = out.data.data();
  out.view.scales = out.scales.data();
  out.view.biases = out.biases.data();
  return out;
}

double affine_noise(
    const std::vector<float>& values, int bits, int group, AffineRule rule) {
  const int64_t row_bytes = kCols * bits / 8;
  const int64_t scale_bytes = kCols / group * 2;
  Stored out = make(WeightFormat::affine, row_bytes, scale_bytes);
  out.view.bits = static_cast<uint8_t>(bits);
  out.view.group = static_cast<uint16_t>(group);
  for (int64_t r = 0; r < kRows; ++r)
    encode_affine_row(
        {bits, group, ScaleFormat::bf16},
        rule,
        values.data() + r * kCols,
        {},
        kCols,
        out.data.data() + r * row_bytes,
        out.scales.data() + r * scale_bytes,
        out.biases.data() + r * scale_bytes);
  return noise(values, out);
}

double mx_noise(const std::vector<float>& values, WeightFormat format) {
  const bool four = format == WeightFormat::mxfp4;
  const int64_t row_bytes = four ? kCols / 2 : kCols;
  Stored out = make(format, row_bytes, kCols / kMxGroup);
  for (int64_t r = 0; r < kRows; ++r)
    (four ? encode_mxfp4_row : encode_mxfp8_row)(
        values.data() + r * kCols,
        kCols,
        out.data.data() + r * row_bytes,
        out.scales.data() + r * out.view.scale_stride);
  return noise(values, out);
}

void print(const char* name, const std::vector<float>& values, bool last) {
  std::printf(" \"%s\": {\n", name);
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int group : {32, 64, 128})
      std::printf(
          "  \"affine %d bit g%d\": {\"plain\": %.4e, \"search\": %.4e},\n",
          bits,
          group,
          affine_noise(values, bits, group, AffineRule::plain),
          affine_noise(values, bits, group, AffineRule::search));
  std::printf(
      "  \"mxfp4\": {\"plain\": %.4e},\n  \"mxfp8\": {\"plain\": %.4e}\n }%s\n",
      mx_noise(values, WeightFormat::mxfp4),
      mx_noise(values, WeightFormat::mxfp8),
      last ? "" : ",");
}

}  // namespace

int main() {
  std::printf("{\n");
  print("heavy", draw(std::student_t_distribution<double>(5)), false);
  print("normal", draw(std::normal_distribution<double>()), true);
  std::printf("}\n");
}
