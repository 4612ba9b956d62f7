// A backend: one function a kernel, all with the same parameter structs.
#pragma once

#include <span>
#include <string_view>

#include "base/thread_team.h"
#include "kernels/activation_rounding/activation_rounding_params.h"
#include "kernels/compressor_pool/compressor_pool_params.h"
#include "kernels/experts/experts_params.h"
#include "kernels/hyper_connection/hyper_connection_params.h"
#include "kernels/indexer/indexer_params.h"
#include "kernels/linear/linear_params.h"
#include "kernels/rms_norm/rms_norm_params.h"
#include "kernels/rotary/rotary_params.h"
#include "kernels/router/router_params.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

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
};

const Backend& reference_backend();  // plain scalar C++: the meaning
const Backend& cpu_backend();        // Highway, the best instruction set here

}  // namespace hadal
