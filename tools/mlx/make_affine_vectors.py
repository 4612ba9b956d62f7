#!/usr/bin/env python3
"""Writes tests/data/mlx/affine.safetensors: what MLX's quantize gives.

    .venv-mlx/bin/python tools/mlx/make_affine_vectors.py

For every float type T of f32, bf16, f16, bits B and group G:
  T.w                      [5, 256]     the values
  T.B.G.codes              U32          mx.quantize's words
  T.B.G.scales, .biases    T            its scales and biases
and for bits B, group G of bf16:
  deq.B.G                  F32 [5, 256] mx.dequantize of them, with scales and
                                        biases widened to float32 first
"""
import os

import mlx.core as mx
import numpy as np

COLS = 256
TYPES = {"f32": mx.float32, "bf16": mx.bfloat16, "f16": mx.float16}


def rows():
    random = np.random.default_rng(5)
    out = np.stack(
        [
            random.standard_normal(COLS),
            # Heavy tails, and groups of zeros, of one value, of one sign.
            random.standard_t(2, COLS) * 0.02,
            np.zeros(COLS),
            np.abs(random.standard_normal(COLS)) * 3 + 1,
            # Codes of FP4 times scales: ties in the rounding.
            random.choice([0, 0.5, 1, 1.5, 2, 3, 4, 6], COLS)
            * random.choice([-1, 1], COLS)
            * np.repeat(2.0 ** random.integers(-8, 3, COLS // 32), 32),
        ]
    ).astype(np.float32)
    out[2, 64:128] = 0.3
    out[2, 128:192] = -0.7
    out[2, 200] = 1e-9
    return out


def main():
    arrays = {}
    for name, dtype in TYPES.items():
        w = mx.array(rows()).astype(dtype)
        arrays[f"{name}.w"] = w
        for bits in (2, 3, 4, 5, 6, 8):
            for group in (32, 64, 128):
                codes, scales, biases = mx.quantize(w, group_size=group, bits=bits)
                key = f"{name}.{bits}.{group}"
                arrays[key + ".codes"] = codes
                arrays[key + ".scales"] = scales
                arrays[key + ".biases"] = biases
                if name == "bf16":
                    arrays[f"deq.{bits}.{group}"] = mx.dequantize(
                        codes,
                        scales.astype(mx.float32),
                        biases.astype(mx.float32),
                        group_size=group,
                        bits=bits,
                    )
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "../../tests/data/mlx/affine.safetensors")
    mx.save_safetensors(path, arrays, {"mlx": mx.__version__})


main()
