// The CUDA kernels: the operations of backend.h on a GPU. Every pointer in the
// parameters, those inside weight views and tables included, is the device's.
// Work is put into cuda::stream(); nothing waits for it.
//
// Orders of sums depend on an operation's own dimensions alone, so the
// invariance law holds on this backend as on the others; its bits are not those
// of the CPU. Simplest right versions: what is said of speed stands in
// docs/notes/cuda.md.
#pragma once

#include <span>

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

void linear_cuda(const LinearParams& params);
// One launch for what goes through the matrix instructions
// (linear/matrix_product.h); all products have the same number of tokens.
void linear_many_cuda(std::span<const LinearParams> products);

// The stacks of views in params.experts are arrays in device memory. `gate`,
// `up` and `down` say, for the host, what all views of a stack have in common;
// their pointers are not read.
struct ExpertsCudaParams {
  ExpertsParams params;
  WeightView gate;
  WeightView up;
  WeightView down;
};
void experts_cuda(const ExpertsCudaParams& params);

void router_cuda(const RouterParams& params);
void rms_norm_cuda(const RmsNormParams& params);
void rotary_cuda(const RotaryParams& params);
void hyper_connection_pre_cuda(const HyperConnectionPreParams& params);
void hyper_connection_post_cuda(const HyperConnectionPostParams& params);
void hyper_connection_between_cuda(const HyperConnectionBetweenParams& params);
void hyper_connection_head_cuda(const HyperConnectionHeadParams& params);
void fp8_round_trip_cuda(const Fp8RoundTripParams& params);
void hadamard_fp4_cuda(const HadamardFp4Params& params);
void compressor_pool_cuda(const CompressorPoolParams& params);
void embed_cuda(const EmbedParams& params);
void add_to_streams_cuda(const AddToStreamsParams& params);
void finish_rows_cuda(std::span<const FinishRowsParams> all);
void compress_cuda(std::span<const CompressParams> all);
void store_rows_cuda(std::span<const StoreRowsParams> all);
// All sequences of a step in one launch, or a fixed few. The structs are the
// host's.
void indexer_many_cuda(std::span<const IndexerParams> all);
void sparse_attention_many_cuda(std::span<const SparseAttentionParams> all);
inline void indexer_cuda(const IndexerParams& params) {
  indexer_many_cuda({&params, 1});
}
inline void sparse_attention_cuda(const SparseAttentionParams& params) {
  sparse_attention_many_cuda({&params, 1});
}

}  // namespace hadal
