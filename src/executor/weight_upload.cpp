#include "executor/weight_upload.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "kernels/synthetic_weight.h"
#include "weights/matrices.h"

namespace hadal {
namespace {

constexpr int64_t kAlignment = 256;

// From the first byte of the first row to the last of the last, which may be
// shorter than the stride.
int64_t data_bytes(const WeightView& view) {
  return (view.rows - 1) * view.row_bytes + weight_row_bytes(view);
}

// Of `scales`, and as many of `biases`.
int64_t scale_bytes(const WeightView& view) {
  const bool blocks = view.format == WeightFormat::fp8_block;
  const int64_t rows = blocks ? (view.rows + 127) / 128 : view.rows;
  return (rows - 1) * view.scale_stride + weight_scale_stride(view);
}

// Calls visit(pointer, bytes) for each part that the view has.
template <class Visit>
void for_each_part(WeightView& view, const Visit& visit) {
  visit(view.data, data_bytes(view));
  if (view.scales != nullptr)
    visit(view.scales, scale_bytes(view));
  if (view.biases != nullptr)
    visit(view.biases, scale_bytes(view));
}

}  // namespace

WeightUpload plan_upload(ModelWeights& weights) {
  // What begins at one byte is one part, as long as the longest.
  std::map<const std::byte*, int64_t> parts;
  for_each_matrix(weights, [&](WeightView& view) {
    for_each_part(view, [&](const std::byte*& data, int64_t bytes) {
      int64_t& known = parts[data];
      known = std::max(known, bytes);
    });
  });
  WeightUpload upload;
  for (const auto& [from, bytes] : parts) {
    upload.segments.push_back({from, bytes, upload.bytes});
    upload.bytes += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  return upload;
}

void point_to_image(
    ModelWeights& weights, const WeightUpload& upload, std::byte* image) {
  std::map<const std::byte*, int64_t> places;
  for (const CopySegment& segment : upload.segments)
    places.emplace(segment.from, segment.at);
  for_each_matrix(weights, [&](WeightView& view) {
    for_each_part(view, [&](const std::byte*& data, int64_t) {
      const auto place = places.find(data);
      HADAL_CHECK(place != places.end());
      data = image + place->second;
    });
  });
}

}  // namespace hadal
