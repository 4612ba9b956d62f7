#!/usr/bin/env python3
"""Times MLX (CPU) on the matrix products of Flash's layers; prints JSON.

    mlx_layers.py [layers=8,experts=32,...] [--prompt N] [--generate N]
                  [--repeat N]

MLX ships no DeepSeek-V4 model, so this is a lower bound of its time: the
products alone, without attention, norms, routing and hyper-connections. Experts
are mxfp4, all other matrices mxfp8 (8.25 bits a weight). MLX's CPU kernels
choose their threads themselves.
"""

import argparse
import json
import time

import mlx.core as mx

from flash_shapes import Flash


def quantized(rows, cols, mode, stack=None):
    """(codes, scales) of random bytes; a stack of experts shares one."""
    bits = 4 if mode == "mxfp4" else 8
    shape = (rows, cols * bits // 32)
    codes = mx.random.randint(0, 2**31 - 1, shape).astype(mx.uint32)
    if mode == "mxfp8":  # keeps 0x7f, which is no number, out
        codes = mx.bitwise_and(codes, mx.array(0x3F3F3F3F, dtype=mx.uint32))
    scales = mx.full((rows, cols // 32), 120, dtype=mx.uint8)
    if stack:
        codes = mx.contiguous(mx.broadcast_to(codes, (stack, *codes.shape)))
        scales = mx.contiguous(mx.broadcast_to(scales, (stack, *scales.shape)))
    mx.eval(codes, scales)
    return codes, scales


class Layers:
    def __init__(self, flash):
        self.flash = flash
        self.dense = []
        self.experts = []
        for layer in range(flash.layers):
            self.dense.append([
                (name, rows, cols, quantized(rows, cols, "mxfp8"))
                for name, rows, cols in flash.dense_matrices(layer)])
            self.experts.append([
                quantized(flash.inner, flash.hidden, "mxfp4", flash.experts),
                quantized(flash.inner, flash.hidden, "mxfp4", flash.experts),
                quantized(flash.hidden, flash.inner, "mxfp4", flash.experts)])
        self.head = quantized(flash.vocabulary, flash.hidden, "mxfp8")
        self.inputs = {}

    def input(self, tokens, width):
        key = tokens, width
        if key not in self.inputs:
            self.inputs[key] = mx.random.normal((tokens, width))
            mx.eval(self.inputs[key])
        return self.inputs[key]

    def run(self, tokens):
        """The products of one pass; a prompt's head is its last position's."""
        f = self.flash

        def multiply(x, weight):
            return mx.quantized_matmul(
                x, *weight, transpose=True, group_size=32, bits=8,
                mode="mxfp8")

        count = tokens * f.experts_per_token
        chosen = mx.sort(mx.arange(count) % f.experts).astype(mx.uint32)
        rows = mx.arange(count).astype(mx.uint32) // f.experts_per_token

        def gather(x, weight, lhs):
            return mx.gather_qmm(
                x, *weight, lhs_indices=lhs, rhs_indices=chosen,
                transpose=True, group_size=32, bits=4, mode="mxfp4",
                sorted_indices=True)

        for dense, (gate, up, down) in zip(self.dense, self.experts):
            out = []
            for name, _, cols, weight in dense:
                # Each group of heads meets its own block of wo_a.
                if name == "wo_a":
                    codes, scales = (
                        part.reshape(f.o_groups, f.o_rank, -1)
                        for part in weight)
                    x = self.input(f.o_groups * tokens, cols)
                    out.append(multiply(
                        x.reshape(f.o_groups, tokens, cols), (codes, scales)))
                else:
                    out.append(multiply(self.input(tokens, cols), weight))
            x = self.input(tokens, f.hidden).reshape(tokens, 1, f.hidden)
            a = gather(x, gate, rows)
            b = gather(x, up, rows)
            inner = (a * mx.sigmoid(a) * b).reshape(count, 1, f.inner)
            out.append(gather(inner, down, mx.arange(count).astype(mx.uint32)))
            mx.eval(out)
        mx.eval(multiply(self.input(1, f.hidden), self.head))


def rates(layers, tokens, passes, repeat):
    """Tokens a second, one a repetition; the first pass warms up."""
    layers.run(tokens)
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(passes):
            layers.run(tokens)
        found.append(tokens * passes / (time.perf_counter() - start))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="?", default="")
    parser.add_argument("--prompt", type=int, default=0)
    parser.add_argument("--generate", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    mx.set_default_device(mx.cpu)
    layers = Layers(Flash.parse(given.sizes))
    report = {"version": mx.__version__}
    if given.generate:
        report["decode"] = rates(layers, 1, given.generate, given.repeat)
    if given.prompt:
        report["prefill"] = rates(layers, given.prompt, 1, given.repeat)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
