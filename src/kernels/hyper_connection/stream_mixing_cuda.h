// One call of the hyper-connections on CUDA, whichever of the three it is, and
// the two ways to run it.
#pragma once

#include <cstdint>

#include "kernels/hyper_connection/hyper_connection_params.h"

namespace hadal {

// HCpost (unless y is null), then HCpre, or HChead where comb is null. All
// pointers are the device's.
struct StreamMixing {
  int64_t tokens = 0;
  int64_t n = 0;
  int64_t dim = 0;
  // HCpost: reads y, old_streams, old_post and old_comb, writes streams.
  const float* y = nullptr;
  const float* old_streams = nullptr;
  const float* old_post = nullptr;
  const float* old_comb = nullptr;
  // HCpre or HChead.
  float* streams = nullptr;
  const int64_t* rows = nullptr;  // of the streams; the head's
  WeightView fn;
  const float* base = nullptr;
  const float* scale = nullptr;
  int64_t sinkhorn_iterations = 0;
  float norm_eps = 0;
  float hc_eps = 0;
  const float* norm_weight = nullptr;
  float* x = nullptr;
  float* post = nullptr;
  float* comb = nullptr;
};

// A cluster of sixteen blocks works on up to four tokens at a time; fn stays in
// its registers. From capability 9.0 on, for four streams and a dim that is a
// multiple of 64 up to 8192: else returns false and does nothing.
bool mix_in_clusters(const StreamMixing& mixing);

// A block a token: any device, up to eight streams of any size.
void mix_in_blocks(const StreamMixing& mixing);

}  // namespace hadal
