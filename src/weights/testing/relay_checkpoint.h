// For tests: a release checkpoint written anew under the names and in the
// formats of other layouts (spec 7.3, 7.4). Names and bit layouts are written
// down here independently of the registry and the readers that they test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadal::testing {

enum class Spelling : uint8_t {
  mlx,           // mlx-community: model., attn_hc.fn, switch_mlp, 3-D wo_a
  mlx_vlm,       // the same under language_model.model.
  mlx_pr1189,    // as mlx, hc_attn.fn and gate.bias
  mlx_thump604,  // release's leaf names: experts.w1 stacked, wo_a.0, wo_a.1,
                 // ...
  transformers,  // self_attn, mlp, gate_up_proj
};

// How matrices are stored. `same` is lossless in every layout: FP4 as mxfp4
// words (I8 in transformers), FP8 as mxfp8 words (F8_E4M3 in transformers).
enum class Storing : uint8_t {
  same,
  bf16,    // lossless too: every release code times its scale is a bf16
  affine,  // of `affine_bits`, groups of `affine_group`, bf16 scale and bias
};

struct RelayOptions {
  Spelling spelling = Spelling::mlx;
  Storing experts = Storing::same;
  // Attention, indexer queries, shared experts.
  Storing dense = Storing::same;
  // Embedding, head, compressors, index weights: bf16 in the release.
  Storing rest = Storing::bf16;
  // Affine with 5, 6 or 8 bits in groups of 32 is lossless for FP4: its codes
  // are multiples of a half between -6 and 6.
  int affine_bits = 8;
  int affine_group = 32;
  bool bf16_ape = false;               // as converters write it; loses bits
  bool plan_in_release_names = false;  // paths in `quantization`
};

// Reads SOURCE (release layout) and writes DIR: weights in two shards with an
// index, config.json with its quantization block, and the other files (the
// tokenizer) copied. The MTP block is dropped, as converters do.
void relay_checkpoint(
    const std::filesystem::path& source,
    const std::filesystem::path& directory,
    const RelayOptions& options);

}  // namespace hadal::testing
