#!/usr/bin/env python3
"""Writes a checkpoint of true shapes and random weights in the release format.

    tools/synthetic/make_checkpoint.py OUT [--config FILE] [--layers 3]
                                       [--experts 32] [--shard-size 2000000000]

The configuration is that of Flash unless --config says otherwise, cut to a few
layers (one of every kind) and experts. Weights are random codes with plausible
scales: they say nothing, but every byte is as incompressible as real ones.
Python alone will do. For timing and memory, for example of `hadal convert`.
"""
import argparse
import json
import os
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
FLASH = HERE.parent.parent / "tests" / "data" / "configs" / "flash.json"
CHUNK = 1 << 24

# Random bytes -> bytes of a kind. E4M3 without its two NaNs; E8M0 around 2^-8.
FP8 = bytes(0x7E if b == 0x7F else 0xFE if b == 0xFF else b for b in range(256))
SCALE = bytes(117 + b % 5 for b in range(256))
# The upper half of a bfloat16 or float32: a sign, and an exponent such that
# magnitudes lie between 2^-9 and 2^-5; the lower half is random.
UPPER = bytes((b & 0x80) | (0x3B + (b & 1)) for b in range(256))


def of_kind(dtype, size):
    """`size` random bytes that are numbers of this type."""
    raw = os.urandom(size)
    if dtype == "F8_E4M3":
        return raw.translate(FP8)
    if dtype == "F8_E8M0":
        return raw.translate(SCALE)
    width = {"BF16": 2, "F32": 4}.get(dtype)
    if width is None:
        return raw
    out = bytearray(raw)
    out[width - 1::width] = raw[width - 1::width].translate(UPPER)
    return bytes(out)


def tensors(c):
    """(name, dtype, shape) of every tensor: spec 7.1."""
    d, inner = c["hidden_size"], c["moe_intermediate_size"]
    heads, dim = c["num_attention_heads"], c["head_dim"]
    streams = c["hc_mult"]
    mixes = 2 * streams + streams * streams
    blocks = lambda n: -(-n // 128)
    yield "embed.weight", "BF16", [c["vocab_size"], d]
    yield "head.weight", "BF16", [c["vocab_size"], d]
    yield "norm.weight", "BF16", [d]
    yield "hc_head_fn", "F32", [streams, streams * d]
    yield "hc_head_base", "F32", [streams]
    yield "hc_head_scale", "F32", [1]

    def fp8(name, rows, cols):
        yield name + ".weight", "F8_E4M3", [rows, cols]
        yield name + ".scale", "F8_E8M0", [blocks(rows), blocks(cols)]

    def fp4(name, rows, cols):
        yield name + ".weight", "I8", [rows, cols // 2]
        yield name + ".scale", "F8_E8M0", [rows, cols // 32]

    def compressor(prefix, ratio, width):
        channels = width * (2 if ratio == 4 else 1)
        yield prefix + "ape", "F32", [ratio, channels]
        yield prefix + "wkv.weight", "BF16", [channels, d]
        yield prefix + "wgate.weight", "BF16", [channels, d]
        yield prefix + "norm.weight", "BF16", [width]

    for n in range(c["num_hidden_layers"]):
        p = f"layers.{n}."
        ratio = c["compress_ratios"][n]
        yield p + "attn_norm.weight", "BF16", [d]
        yield p + "ffn_norm.weight", "BF16", [d]
        for half in ("attn", "ffn"):
            yield p + f"hc_{half}_fn", "F32", [mixes, streams * d]
            yield p + f"hc_{half}_base", "F32", [mixes]
            yield p + f"hc_{half}_scale", "F32", [3]
        rank = c["q_lora_rank"]
        out = c["o_groups"] * c["o_lora_rank"]
        yield p + "attn.attn_sink", "F32", [heads]
        yield from fp8(p + "attn.wq_a", rank, d)
        yield p + "attn.q_norm.weight", "BF16", [rank]
        yield from fp8(p + "attn.wq_b", heads * dim, rank)
        yield from fp8(p + "attn.wkv", dim, d)
        yield p + "attn.kv_norm.weight", "BF16", [dim]
        yield from fp8(p + "attn.wo_a", out, heads * dim // c["o_groups"])
        yield from fp8(p + "attn.wo_b", d, out)
        if ratio:
            yield from compressor(p + "attn.compressor.", ratio, dim)
        if ratio == 4:
            index = c["index_n_heads"] * c["index_head_dim"]
            yield from fp8(p + "attn.indexer.wq_b", index, rank)
            yield (p + "attn.indexer.weights_proj.weight", "BF16",
                   [c["index_n_heads"], d])
            yield from compressor(p + "attn.indexer.compressor.", 4,
                                  c["index_head_dim"])
        yield p + "ffn.gate.weight", "BF16", [c["n_routed_experts"], d]
        if n < c["num_hash_layers"]:
            yield (p + "ffn.gate.tid2eid", "I64",
                   [c["vocab_size"], c["num_experts_per_tok"]])
        else:
            yield p + "ffn.gate.bias", "F32", [c["n_routed_experts"]]
        for e in range(c["n_routed_experts"]):
            yield from fp4(p + f"ffn.experts.{e}.w1", inner, d)
            yield from fp4(p + f"ffn.experts.{e}.w2", d, inner)
            yield from fp4(p + f"ffn.experts.{e}.w3", inner, d)
        yield from fp8(p + "ffn.shared_experts.w1", inner, d)
        yield from fp8(p + "ffn.shared_experts.w2", d, inner)
        yield from fp8(p + "ffn.shared_experts.w3", inner, d)


BITS = {"BF16": 16, "F32": 32, "I64": 64, "I8": 8, "F8_E4M3": 8, "F8_E8M0": 8}


def size_of(dtype, shape):
    elements = 1
    for extent in shape:
        elements *= extent
    return elements * BITS[dtype] // 8


def write_data(file, dtype, size, experts):
    if dtype == "I64":  # a hash table: any expert will do
        row = struct.pack(f"<{experts}q", *range(experts))
        file.write((row * (size // len(row) + 1))[:size])
        return
    while size > 0:
        part = min(size, CHUNK)
        file.write(of_kind(dtype, part))
        size -= part


def write_shard(path, entries, experts):
    # Widest elements first, so that every tensor is aligned.
    entries = sorted(entries, key=lambda e: -BITS[e[1]])
    header, at = {}, 0
    for name, dtype, shape in entries:
        size = size_of(dtype, shape)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, dtype, shape in entries:
            write_data(file, dtype, size_of(dtype, shape), experts)


def cut(config, layers, experts):
    """The first layers, of which one has every kind, without a module behind."""
    kinds = ([0, 4, 128] * layers)[:layers]
    config.update(num_hidden_layers=layers, n_routed_experts=experts,
                  compress_ratios=kinds, num_nextn_predict_layers=0,
                  num_hash_layers=min(1, layers))
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--config", type=pathlib.Path, default=FLASH)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--experts", type=int, default=32)
    parser.add_argument("--shard-size", type=int, default=2_000_000_000)
    flags = parser.parse_args()
    config = cut(json.loads(flags.config.read_text()), flags.layers,
                 flags.experts)
    flags.out.mkdir(parents=True)
    shards, filled = [[]], 0
    for entry in tensors(config):
        size = size_of(entry[1], entry[2])
        if filled and filled + size > flags.shard_size:
            shards.append([])
            filled = 0
        shards[-1].append(entry)
        filled += size
    places = {}
    for number, entries in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_shard(flags.out / name, entries, flags.experts)
        places.update((entry[0], name) for entry in entries)
    (flags.out / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": places}))
    (flags.out / "config.json").write_text(json.dumps(config, indent=2))


main()
