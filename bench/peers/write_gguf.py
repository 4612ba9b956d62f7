#!/usr/bin/env python3
"""Writes a GGUF of random weights in the shapes of Flash, for llama-bench.

    write_gguf.py OUT.gguf [layers=8,experts=32,...]

Routed experts are MXFP4, all other matrices Q8_0; norms, router, indexer's
head weights and hyper-connections are F32, as llama.cpp's own conversion leaves
them. The values mean nothing, so every layer repeats the same random bytes (at
places of their own in the file: nothing is cached that would not be).
"""

import sys

import gguf
import numpy as np

from flash_shapes import Flash

TENSOR = gguf.MODEL_TENSOR
TYPE = gguf.GGMLQuantizationType
random = np.random.default_rng(1)


def mxfp4(rows, cols):
    """Bytes of [rows, cols]: an exponent, then 32 codes of 4 bits."""
    blocks = random.integers(0, 256, (rows, cols // 32, 17), dtype=np.uint8)
    blocks[:, :, 0] = 120  # 2^-7, so that no value grows out of range
    return blocks.reshape(rows, -1)


def q8_0(rows, cols):
    """Bytes of [rows, cols]: a float16 scale, then 32 codes of 8 bits."""
    blocks = random.integers(0, 256, (rows, cols // 32, 34), dtype=np.uint8)
    scale = np.array([2.0**-12], dtype=np.float16).view(np.uint8)
    blocks[:, :, :2] = scale
    return blocks.reshape(rows, -1)


class Writer:
    def __init__(self, path, flash):
        self.flash = flash
        self.out = gguf.GGUFWriter(path, "deepseek4")
        self.made = {}  # by kind and shape: layers share their arrays

    def add(self, tensor, kind, *shape, layer=None, suffix="weight"):
        name = gguf.TENSOR_NAMES[tensor].format(bid=layer) + "." + suffix
        key = (kind, *shape)
        if key not in self.made:
            self.made[key] = self.make(kind, *shape)
        raw = {"mxfp4": TYPE.MXFP4, "q8_0": TYPE.Q8_0}.get(kind)
        self.out.add_tensor(name, self.made[key], raw_dtype=raw)

    def make(self, kind, *shape):
        if kind == "f32":
            return (random.standard_normal(shape) * 0.02).astype(np.float32)
        if kind == "ones":
            return np.ones(shape, dtype=np.float32)
        if kind == "mxfp4":  # a stack of experts, each a copy of the first
            one = mxfp4(*shape[1:])
            return np.ascontiguousarray(
                np.broadcast_to(one, (shape[0], *one.shape)))
        return q8_0(*shape)

    def settings(self):
        f, out = self.flash, self.out
        out.add_vocab_size(f.vocabulary)
        out.add_tokenizer_model("none")
        out.add_context_length(1 << 20)
        out.add_embedding_length(f.hidden)
        out.add_embedding_length_out(f.hidden * f.streams)
        out.add_block_count(f.layers)
        out.add_feed_forward_length(f.inner)
        out.add_head_count(f.heads)
        out.add_head_count_kv(1)
        out.add_key_length(f.head_dim)
        out.add_value_length(f.head_dim)
        out.add_layer_norm_rms_eps(1e-6)
        out.add_rope_dimension_count(f.rotary)
        out.add_rope_freq_base(10000.0)
        out.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        out.add_rope_scaling_factor(16.0)
        out.add_rope_scaling_orig_ctx_len(65536)
        out.add_q_lora_rank(f.q_rank)
        out.add_sliding_window(f.window)
        out.add_expert_count(f.experts)
        out.add_expert_used_count(f.experts_per_token)
        out.add_expert_feed_forward_length(f.inner)
        out.add_expert_shared_count(1)
        out.add_expert_weights_scale(1.5)
        out.add_expert_weights_norm(True)
        out.add_expert_gating_func(gguf.ExpertGatingFuncType.SQRTSOFTPLUS)
        out.add_swiglu_clamp_exp([10.0] * f.layers)
        out.add_swiglu_clamp_shexp([10.0] * f.layers)
        out.add_indexer_head_count(f.index_heads)
        out.add_indexer_key_length(f.index_dim)
        out.add_indexer_top_k(f.top_k)
        out.add_attention_output_group_count(f.o_groups)
        out.add_attention_output_lora_rank(f.o_rank)
        out.add_attention_compress_ratios(
            [f.ratio(layer) for layer in range(f.layers)])
        out.add_attention_compress_rope_freq_base(160000.0)
        out.add_hyper_connection_count(f.streams)
        out.add_hyper_connection_sinkhorn_iterations(20)
        out.add_hyper_connection_epsilon(1e-6)
        out.add_hash_layer_count(min(f.hash_layers, f.layers))

    def ends(self):
        f = self.flash
        self.add(TENSOR.TOKEN_EMBD, "q8_0", f.vocabulary, f.hidden)
        self.add(TENSOR.OUTPUT, "q8_0", f.vocabulary, f.hidden)
        self.add(TENSOR.OUTPUT_NORM, "ones", f.hidden)
        self.add(TENSOR.HC_HEAD_FN, "f32", f.streams, f.streams * f.hidden)
        self.add(TENSOR.HC_HEAD_BASE, "f32", f.streams)
        self.add(TENSOR.HC_HEAD_SCALE, "f32", 1)

    def layer(self, layer):
        f = self.flash
        matrices = {n: (o, i) for n, o, i in f.dense_matrices(layer)}

        def matrix(tensor, name):
            self.add(tensor, "q8_0", *matrices[name], layer=layer)

        def small(tensor, kind, *shape):
            self.add(tensor, kind, *shape, layer=layer)

        small(TENSOR.ATTN_NORM, "ones", f.hidden)
        small(TENSOR.ATTN_SINKS, "f32", f.heads)
        matrix(TENSOR.ATTN_Q_A, "wq_a")
        small(TENSOR.ATTN_Q_A_NORM, "ones", f.q_rank)
        matrix(TENSOR.ATTN_Q_B, "wq_b")
        matrix(TENSOR.ATTN_KV, "wkv")
        small(TENSOR.ATTN_KV_NORM, "ones", f.head_dim)
        matrix(TENSOR.ATTN_OUT_A, "wo_a")
        matrix(TENSOR.ATTN_OUT_B, "wo_b")
        mixes = (2 + f.streams) * f.streams
        for fn, base, scale in (
                (TENSOR.HC_ATTN_FN, TENSOR.HC_ATTN_BASE, TENSOR.HC_ATTN_SCALE),
                (TENSOR.HC_FFN_FN, TENSOR.HC_FFN_BASE, TENSOR.HC_FFN_SCALE)):
            small(fn, "f32", mixes, f.streams * f.hidden)
            small(base, "f32", mixes)
            small(scale, "f32", 3)
        self.compressor(f.ratio(layer), matrix, small)
        self.experts(layer, matrix, small)

    def compressor(self, ratio, matrix, small):
        f = self.flash
        if ratio == 0:
            return
        width = f.head_dim * (2 if ratio == 4 else 1)
        matrix(TENSOR.ATTN_COMPRESSOR_WKV, "compressor_kv")
        matrix(TENSOR.ATTN_COMPRESSOR_WGATE, "compressor_gate")
        small(TENSOR.ATTN_COMPRESSOR_APE, "f32", ratio, width)
        small(TENSOR.ATTN_COMPRESSOR_NORM, "ones", f.head_dim)
        if ratio != 4:
            return
        matrix(TENSOR.INDEXER_ATTN_Q_B, "index_q")
        small(TENSOR.INDEXER_PROJ, "f32", f.index_heads, f.hidden)
        matrix(TENSOR.INDEXER_COMPRESSOR_WKV, "index_kv")
        matrix(TENSOR.INDEXER_COMPRESSOR_WGATE, "index_gate")
        small(TENSOR.INDEXER_COMPRESSOR_APE, "f32", ratio, 2 * f.index_dim)
        small(TENSOR.INDEXER_COMPRESSOR_NORM, "ones", f.index_dim)

    def experts(self, layer, matrix, small):
        f = self.flash
        small(TENSOR.FFN_NORM, "ones", f.hidden)
        small(TENSOR.FFN_GATE_INP, "f32", f.experts, f.hidden)
        if layer < f.hash_layers:
            table = np.stack([
                (np.arange(f.vocabulary) * 7 + k) % f.experts
                for k in range(f.experts_per_token)], axis=1)
            self.out.add_tensor(
                gguf.TENSOR_NAMES[TENSOR.FFN_GATE_TID2EID].format(bid=layer) +
                ".weight", table.astype(np.int32))
        else:
            self.add(TENSOR.FFN_EXP_PROBS_B, "f32", f.experts, layer=layer,
                     suffix="bias")
        for tensor, rows, cols in (
                (TENSOR.FFN_GATE_EXP, f.inner, f.hidden),
                (TENSOR.FFN_UP_EXP, f.inner, f.hidden),
                (TENSOR.FFN_DOWN_EXP, f.hidden, f.inner)):
            small(tensor, "mxfp4", f.experts, rows, cols)
        matrix(TENSOR.FFN_GATE_SHEXP, "shared_gate")
        matrix(TENSOR.FFN_UP_SHEXP, "shared_up")
        matrix(TENSOR.FFN_DOWN_SHEXP, "shared_down")

    def write(self):
        self.settings()
        self.ends()
        for layer in range(self.flash.layers):
            self.layer(layer)
        self.out.write_header_to_file()
        self.out.write_kv_data_to_file()
        self.out.write_tensors_to_file()
        self.out.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    Writer(sys.argv[1], Flash.parse(",".join(sys.argv[2:]))).write()
