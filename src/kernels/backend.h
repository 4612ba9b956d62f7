// A backend: one function a kernel, all with the same parameter structs.
#pragma once

#include <span>
#include <string_view>

#include "base/thread_team.h"
#include "kernels/activation_rounding/activation_rounding_params.h"
#include "kernels/compress/compress_params.h"
#include "kernels/compressor_pool/compressor_pool_params.h"
#include "kernels/experts/experts_params.h"
#include "kernels/finish_rows/finish_rows_params.h"
#include "kernels/hyper_connection/hyper_connection_params.h"
#include "kernels/indexer/indexer_params.h"
#include "kernels/linear/linear_params.h"
#include "kernels/rms_norm/rms_norm_params.h"
#include "kernels/rotary/rotary_params.h"
#include "kernels/router/router_params.h"
#include "kernels/sparse_attention/sparse_attention_params.h"
#include "kernels/store_rows/store_rows_params.h"
#include "kernels/streams/streams_params.h"

namespace hadal {

// Every function checks nothing: the operation's header (for example
// kernels/linear/linear.h) states what the caller guarantees. The forward pass
// calls kernels through such a table; doctor and the tests walk over the
// tables.
struct Backend {
  std::string_view name;

  void (*linear)(const LinearParams&, ThreadTeam&);
  void (*linear_many)(std::span<const LinearParams>, ThreadTeam&);
  void (*experts)(const ExpertsParams&, ThreadTeam&);
  void (*router)(const RouterParams&, ThreadTeam&);
  void (*rms_norm)(const RmsNormParams&, ThreadTeam&);
  void (*rotary)(const RotaryParams&, ThreadTeam&);
  void (*hyper_connection_pre)(const HyperConnectionPreParams&, ThreadTeam&);
  void (*hyper_connection_post)(const HyperConnectionPostParams&, ThreadTeam&);
  void (*hyper_connection_between)(
      const HyperConnectionBetweenParams&, ThreadTeam&);
  void (*hyper_connection_head)(const HyperConnectionHeadParams&, ThreadTeam&);
  void (*fp8_round_trip)(const Fp8RoundTripParams&, ThreadTeam&);
  void (*hadamard_fp4)(const HadamardFp4Params&, ThreadTeam&);
  void (*compressor_pool)(const CompressorPoolParams&, ThreadTeam&);
  void (*indexer)(const IndexerParams&, ThreadTeam&);
  void (*sparse_attention)(const SparseAttentionParams&, ThreadTeam&);

  // Of several sequences each; the bits are those of one call after the other.
  void (*indexer_many)(std::span<const IndexerParams>, ThreadTeam&);
  void (*sparse_attention_many)(
      std::span<const SparseAttentionParams>, ThreadTeam&);
  void (*compress)(std::span<const CompressParams>, ThreadTeam&);
  void (*store_rows)(std::span<const StoreRowsParams>, ThreadTeam&);
  void (*finish_rows)(std::span<const FinishRowsParams>, ThreadTeam&);

  void (*embed)(const EmbedParams&, ThreadTeam&);
  void (*add_to_streams)(const AddToStreamsParams&, ThreadTeam&);

  // A forward pass stands between begin() and end(). A backend may put off the
  // work of the calls between them: the host reads what they wrote only after
  // end() or flush(). `repeats`: passes like this one come again and again, as
  // decoding does. drop() after a failure, instead of end(). end() and flush()
  // throw Error(internal) when a device failed.
  void (*begin)(bool repeats);
  void (*flush)();
  void (*end)();
  void (*drop)();
};

// Of a backend that puts nothing off.
inline void nothing_to_begin(bool /*repeats*/) {}
inline void nothing_put_off() {}

const Backend& reference_backend();  // plain scalar C++: the meaning
const Backend& cpu_backend();        // Highway, the best instruction set here

}  // namespace hadal
