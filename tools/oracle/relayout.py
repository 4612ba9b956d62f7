"""Rewrites a release checkpoint in another layout that the loader must read.

  relayout.py --model DIR --layout mlx --out DIR2 --twin DIR3
  relayout.py --model DIR --layout transformers --out DIR2 --twin DIR3

`mlx` (spec 7.4): experts mxfp4 stacked, shared experts mxfp8, all other
matrices affine with the bits and group sizes taking turns over 2, 3, 4, 5, 6,
8 and 32, 64, 128, a `quantization` block in the config, no MTP block.
`transformers` (spec 7.3): its names and config fields, the release's bytes.

The twin has release names and the very same values in F32, so make_golden.py
can be run on it; the golden file then holds for DIR2.
"""

import argparse
import json
import pathlib
import re
import shutil
import zlib

import numpy as np

import formats
from names import LAYER_NAMES, TOP_NAMES

EXPERT_LEAVES = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}


def read_checkpoint(directory):
    index = json.loads((directory / "model.safetensors.index.json").read_text())
    tensors = {}
    for shard in sorted(set(index["weight_map"].values())):
        tensors.update(formats.read_safetensors(directory / shard))
    return tensors


def write_folder(directory, tensors, config, source):
    directory.mkdir(parents=True, exist_ok=True)
    file = "model-00001-of-00001.safetensors"
    total = formats.write_safetensors(directory / file, tensors, {"format": "pt"})
    index = {"metadata": {"total_size": total}, "weight_map": dict.fromkeys(sorted(tensors), file)}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        if (source / name).exists():
            shutil.copyfile(source / name, directory / name)


def twin_config(config):
    """A checkpoint of plain floats says nothing about quantisation."""
    return {k: v for k, v in config.items()
            if k not in ("quantization_config", "quantization", "expert_dtype")}


# --- MLX --------------------------------------------------------------------


def affine_quantise(weight, bits, group):
    """[o, i] -> (U32 words, scales BF16, biases BF16, values float32)."""
    rows = weight.shape[0]
    groups = weight.reshape(rows, -1, group).astype(np.float64)
    low, high = groups.min(-1), groups.max(-1)
    scale = formats.bf16_encode((high - low) / (2**bits - 1))
    bias = formats.bf16_encode(low)
    s = formats.bf16_decode(scale)[..., None]
    b = formats.bf16_decode(bias)[..., None]
    codes = np.clip(np.rint((groups - b) / s), 0, 2**bits - 1).astype(np.uint8)
    values = (codes.astype(np.float32) * s + b).reshape(rows, -1)
    # One stream of bits a row, from the least significant bit of each word on.
    stream = (codes.reshape(rows, -1, 1) >> np.arange(bits)) & 1
    packed = np.packbits(stream.reshape(rows, -1).astype(np.uint8), axis=-1, bitorder="little")
    return packed.view(np.uint32), scale, bias, values


class MlxWriter:
    def __init__(self, tensors, config):
        self.source, self.config = tensors, config
        self.out, self.twin = {}, {}
        self.plan = {"group_size": 64, "bits": 4, "mode": "affine"}

    def values(self, name):
        return formats.to_float32(self.source, name)

    def run(self):
        for name in self.source:
            if name.endswith(".scale") or name.startswith("mtp."):
                continue
            if ".ffn.experts." not in name:
                self.convert(name)
        for layer in range(self.config["num_hidden_layers"]):
            for leaf in EXPERT_LEAVES:
                self.stack_experts(f"layers.{layer}.ffn", leaf)
        return self.out, self.twin

    def spelled(self, name):
        """The release name in the community's spelling."""
        name = {"embed.weight": "embed_tokens.weight", "head.weight": "lm_head.weight"}.get(
            name, name)
        name = re.sub(r"hc_(attn|ffn)_(fn|base|scale)$", r"\1_hc.\2", name)
        name = re.sub(r"^hc_head_(fn|base|scale)$", r"hc_head.\1", name)
        name = name.replace("ffn.gate.bias", "ffn.gate.e_score_correction_bias")
        for ours, theirs in EXPERT_LEAVES.items():
            name = name.replace(f"shared_experts.{ours}.", f"shared_experts.{theirs}.")
        return name if name.startswith("lm_head") else "model." + name

    def convert(self, name):
        tensor, spelled = self.source[name], self.spelled(name)
        if name.endswith("tid2eid"):
            self.out[spelled] = formats.Tensor("I32", tensor.data)
            self.twin[name] = tensor
        elif "shared_experts" in name:
            self.mxfp8(name, spelled)
        elif tensor.data.ndim == 2 and name.endswith(".weight") and ".ffn.gate." not in name:
            self.affine(name, spelled)
        elif name.endswith(".ape"):
            # Converters cast it to bf16.
            self.out[spelled] = formats.Tensor("BF16", formats.bf16_encode(tensor.data))
            self.twin[name] = formats.Tensor(
                "F32", formats.bf16_decode(formats.bf16_encode(tensor.data)))
        else:
            self.out[spelled] = tensor
            self.twin[name] = tensor

    def affine(self, name, spelled):
        turn = zlib.crc32(name.encode())
        bits, group = (2, 3, 4, 5, 6, 8)[turn % 6], (32, 64, 128)[turn // 6 % 3]
        weight = self.values(name)
        while weight.shape[1] % group:
            group //= 2
        words, scale, bias, values = affine_quantise(weight, bits, group)
        parts = {"weight": ("U32", words), "scales": ("BF16", scale), "biases": ("BF16", bias)}
        for part, (dtype, data) in parts.items():
            if name.endswith("attn.wo_a.weight"):
                data = data.reshape(self.config["o_groups"], -1, data.shape[-1])
            self.out[spelled.removesuffix("weight") + part] = formats.Tensor(dtype, data)
        self.plan[spelled.removesuffix(".weight")] = {
            "group_size": group, "bits": bits, "mode": "affine"}
        self.twin[name] = formats.Tensor("F32", values)

    def mxfp8(self, name, spelled):
        """E4M3 bytes as words; a 128x128 scale becomes one for each 32 columns."""
        codes = self.source[name].data
        scale = self.source[name.removesuffix(".weight") + ".scale"].data
        rows, columns = codes.shape
        scale = np.repeat(np.repeat(scale, 128, 0)[:rows], 4, 1)[:, :columns // 32]
        self.out[spelled] = formats.Tensor("U32", np.ascontiguousarray(codes).view(np.uint32))
        self.out[spelled.removesuffix("weight") + "scales"] = formats.Tensor("U8", scale)
        self.plan[spelled.removesuffix(".weight")] = {
            "group_size": 32, "bits": 8, "mode": "mxfp8"}
        self.twin[name] = formats.Tensor("F32", self.values(name))

    def stack_experts(self, prefix, leaf):
        """The release's FP4 bytes are mxfp4 as they are."""
        names = [f"{prefix}.experts.{e}.{leaf}" for e in range(self.config["n_routed_experts"])]
        path = f"model.{prefix}.switch_mlp.{EXPERT_LEAVES[leaf]}"
        words = [np.ascontiguousarray(self.source[n + ".weight"].data).view(np.uint32)
                 for n in names]
        scales = [self.source[n + ".scale"].data for n in names]
        self.out[path + ".weight"] = formats.Tensor("U32", np.stack(words))
        self.out[path + ".scales"] = formats.Tensor("U8", np.stack(scales))
        self.plan[path] = {"group_size": 32, "bits": 4, "mode": "mxfp4"}
        for n in names:
            self.twin[n + ".weight"] = formats.Tensor("F32", self.values(n + ".weight"))


def to_mlx(tensors, config):
    writer = MlxWriter(tensors, config)
    out, twin = writer.run()
    new = {k: v for k, v in config.items() if k not in ("quantization_config", "expert_dtype")}
    new["quantization"] = new["quantization_config"] = writer.plan
    no_draft = {**twin_config(config), "num_nextn_predict_layers": 0,
                "compress_ratios": config["compress_ratios"][:config["num_hidden_layers"]]}
    return out, new, twin, no_draft


# --- transformers -----------------------------------------------------------


def to_transformers(tensors, config):
    out = {}

    def keep(name, new):
        out[new] = tensors[name]
        scale = name.removesuffix(".weight") + ".scale"
        if name.endswith(".weight") and scale in tensors:
            out[new + "_scale_inv"] = tensors[scale]

    for name in tensors:
        if name.endswith(".scale") or name.startswith("mtp.") or ".ffn.experts." in name:
            continue
        if name in TOP_NAMES:
            keep(name, TOP_NAMES[name])
        else:
            _, layer, leaf = name.split(".", 2)
            keep(name, f"model.layers.{layer}.{LAYER_NAMES[leaf]}")
    experts = range(config["n_routed_experts"])
    for layer in range(config["num_hidden_layers"]):
        source, target = f"layers.{layer}.ffn.experts", f"model.layers.{layer}.mlp.experts"
        for part, suffix in (("weight", ""), ("scale", "_scale_inv")):
            def data(e, leaf):
                return tensors[f"{source}.{e}.{leaf}.{part}"].data
            dtype = tensors[f"{source}.0.w1.{part}"].dtype
            out[f"{target}.gate_up_proj{suffix}"] = formats.Tensor(dtype, np.stack(
                [np.concatenate([data(e, "w1"), data(e, "w3")]) for e in experts]))
            out[f"{target}.down_proj{suffix}"] = formats.Tensor(
                dtype, np.stack([data(e, "w2") for e in experts]))
    twin = {n: (t if t.dtype == "I64" else formats.Tensor("F32", formats.to_float32(tensors, n)))
            for n, t in tensors.items() if not n.endswith(".scale") and not n.startswith("mtp.")}
    trunk = config["num_hidden_layers"]
    no_draft = {**twin_config(config), "num_nextn_predict_layers": 0,
                "compress_ratios": config["compress_ratios"][:trunk]}
    return out, transformers_config(config), twin, no_draft


def transformers_config(config):
    """The renaming of spec 1.4."""
    kinds = {0: "sliding_attention", 4: "compressed_sparse_attention",
             128: "heavily_compressed_attention"}
    trunk, hashed = config["num_hidden_layers"], config["num_hash_layers"]
    new = dict(config)
    for key in ("compress_ratios", "num_hash_layers", "qk_rope_head_dim", "rope_scaling",
                "rope_theta", "compress_rope_theta"):
        del new[key]
    factor = config["qk_rope_head_dim"] / config["head_dim"]
    yarn = {k: v for k, v in config["rope_scaling"].items() if k != "type"}
    new |= {
        "layer_types": [kinds[r] for r in config["compress_ratios"][:trunk]],
        "compress_rates": {kinds[4]: 4, kinds[128]: 128},
        "mlp_layer_types": ["hash_moe"] * hashed + ["moe"] * (trunk - hashed),
        "partial_rotary_factor": factor,
        "rope_parameters": {
            "main": {"rope_type": "default", "rope_theta": config["rope_theta"],
                     "partial_rotary_factor": factor},
            "compress": {"rope_type": "yarn", "rope_theta": config["compress_rope_theta"],
                         "partial_rotary_factor": factor, "attention_factor": 1.0, **yarn},
        },
    }
    return new


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--layout", required=True, choices=["mlx", "transformers"])
    parser.add_argument("--out", required=True)
    parser.add_argument("--twin", required=True)
    options = parser.parse_args()
    source = pathlib.Path(options.model)
    tensors = read_checkpoint(source)
    config = json.loads((source / "config.json").read_text())
    convert = to_mlx if options.layout == "mlx" else to_transformers
    out, new_config, twin, plain_config = convert(tensors, config)
    write_folder(pathlib.Path(options.out), out, new_config, source)
    write_folder(pathlib.Path(options.twin), twin, plain_config, source)


if __name__ == "__main__":
    main()
