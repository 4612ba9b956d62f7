"""Makes a checkpoint of small random weights in the release format.

  make_checkpoint.py --preset ragged --out DIR [--tokenizer models/nano]
  make_checkpoint.py --config overrides.json --out DIR

Scales are chosen so that the network is alive at any depth and its output is
neither flat nor certain:

* matrices are Gaussian with variance 1/fan-in, so each product of a
  normalised vector has variance 1; the norm weights are near 1;
* the head's logits have a standard deviation of about 3 over the vocabulary:
  with 4224 ids an entropy of about 4 nats, and a typical gap of 0.7 between
  the two best (near-ties of greedy choices are rare);
* keys are scaled by 1.6 (in kv_norm), so attention has favourites; sinks are
  of the size of a score;
* gate logits have variance 2.25 with a bias of 0.3: routing differs from
  token to token and no expert starves;
* comb gets a random base with a heavier diagonal, so that its transpose gives another model.
"""

import argparse
import json
import pathlib
import shutil
import zlib

import numpy as np

import formats
import presets

KNOBS = {"embed_std": 5.0, "logit_std": 3.0, "key_gain": 1.6, "expert_gain": 1.0,
         "gate_std": 1.5, "sink": 1.5, "kv_spread": 0.0, "f32_scales": False}


class Maker:
    """Collects tensors. Each has its own random stream, derived from its name,
    so changing one part of a configuration leaves other tensors alone."""

    def __init__(self, config, knobs, seed):
        self.config, self.knobs, self.seed = config, {**KNOBS, **knobs}, seed
        self.tensors = {}

    def normal(self, name, shape, std=1.0):
        stream = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        return stream.standard_normal(shape) * std

    def matrix(self, name, shape, gain=1.0):
        return self.normal(name, shape, gain / np.sqrt(shape[-1]))

    def bf16(self, name, values):
        self.tensors[name] = formats.Tensor("BF16", formats.bf16_encode(values))

    def f32(self, name, values):
        self.tensors[name] = formats.Tensor("F32", values)

    def fp8(self, name, shape, gain=1.0):
        power_of_two = not self.knobs["f32_scales"]
        codes, scales = formats.fp8_quantise(self.matrix(name, shape, gain), power_of_two)
        self.tensors[name + ".weight"] = formats.Tensor("F8_E4M3", codes)
        self.tensors[name + ".scale"] = formats.scale_tensor(scales, power_of_two)

    def expert(self, name, shape, gain=1.0):
        if self.config["expert_dtype"] == "fp8":
            self.fp8(name, shape, gain)
        else:
            self.fp4(name, shape, gain)

    def fp4(self, name, shape, gain=1.0):
        packed, scale = formats.fp4_quantise(self.matrix(name, shape, gain))
        self.tensors[name + ".weight"] = formats.Tensor("I8", packed)
        self.tensors[name + ".scale"] = formats.Tensor("F8_E8M0", scale)

    def norm(self, name, size, gain=1.0):
        self.bf16(name, gain * (1 + self.normal(name, size, 0.2)))

    def kv_norm(self, name, size):
        """The norm of a key row; kv_spread > 0 gives the channels very different
        sizes, in powers of two."""
        spread = np.exp2(-np.abs(self.normal(name + ".spread", size, self.knobs["kv_spread"])))
        values = 1 + self.normal(name, size, 0.2)
        self.bf16(name, self.knobs["key_gain"] * values * spread)

    def hyper_connection(self, prefix):
        n, hidden = self.config["hc_mult"], self.config["hidden_size"]
        rows = (2 + n) * n
        self.f32(prefix + "_fn", self.matrix(prefix + "_fn", (rows, n * hidden)))
        self.f32(prefix + "_scale", np.array([0.8, 0.6, 1.1]))
        base = self.normal(prefix + "_base", rows, 0.5)
        base[2 * n:] += 1.5 * np.eye(n).reshape(-1)
        self.f32(prefix + "_base", base)

    def head_mixing(self, prefix):
        n, hidden = self.config["hc_mult"], self.config["hidden_size"]
        self.f32(prefix + "hc_head_fn", self.matrix(prefix + "hc_head_fn", (n, n * hidden)))
        self.f32(prefix + "hc_head_scale", np.array([0.9]))
        self.f32(prefix + "hc_head_base", self.normal(prefix + "hc_head_base", n, 0.5))

    def compressor(self, prefix, ratio, size):
        hidden = self.config["hidden_size"]
        width = size * (2 if ratio == 4 else 1)
        self.f32(prefix + ".ape", self.normal(prefix + ".ape", (ratio, width), 0.7))
        for leaf, gain in (("wkv", 1.0), ("wgate", 1.5)):
            name = f"{prefix}.{leaf}.weight"
            self.bf16(name, self.matrix(name, (width, hidden), gain))
        self.kv_norm(prefix + ".norm.weight", size)

    def attention(self, prefix, ratio):
        c, knobs = self.config, self.knobs
        hidden, rank, heads = c["hidden_size"], c["q_lora_rank"], c["num_attention_heads"]
        head_dim, groups, o_rank = c["head_dim"], c["o_groups"], c["o_lora_rank"]
        self.fp8(prefix + ".wq_a", (rank, hidden))
        self.norm(prefix + ".q_norm.weight", rank)
        self.fp8(prefix + ".wq_b", (heads * head_dim, rank))
        self.fp8(prefix + ".wkv", (head_dim, hidden))
        self.kv_norm(prefix + ".kv_norm.weight", head_dim)
        self.f32(prefix + ".attn_sink", self.normal(prefix + ".attn_sink", heads, knobs["sink"]))
        self.fp8(prefix + ".wo_a", (groups * o_rank, heads * head_dim // groups))
        self.fp8(prefix + ".wo_b", (hidden, groups * o_rank))
        if ratio:
            self.compressor(prefix + ".compressor", ratio, head_dim)
        if ratio == 4:
            index_heads, index_dim = c["index_n_heads"], c["index_head_dim"]
            self.fp8(prefix + ".indexer.wq_b", (index_heads * index_dim, rank))
            name = prefix + ".indexer.weights_proj.weight"
            self.bf16(name, self.matrix(name, (index_heads, hidden)))
            self.compressor(prefix + ".indexer.compressor", ratio, index_dim)

    def moe(self, prefix, hashed):
        c, gain = self.config, self.knobs["expert_gain"]
        hidden, inner = c["hidden_size"], c["moe_intermediate_size"]
        experts, active = c["n_routed_experts"], c["num_experts_per_tok"]
        name = prefix + ".gate.weight"
        self.bf16(name, self.matrix(name, (experts, hidden), self.knobs["gate_std"]))
        if hashed:
            name = prefix + ".gate.tid2eid"
            order = np.argsort(self.normal(name, (c["vocab_size"], experts)), -1)
            self.tensors[name] = formats.Tensor("I64", order[:, :active])
        else:
            self.f32(prefix + ".gate.bias", self.normal(prefix + ".gate.bias", experts, 0.3))
        for e in range(experts):
            self.expert(f"{prefix}.experts.{e}.w1", (inner, hidden), 1.5 * gain)
            self.expert(f"{prefix}.experts.{e}.w3", (inner, hidden), 1.5 * gain)
            self.expert(f"{prefix}.experts.{e}.w2", (hidden, inner))
        self.fp8(f"{prefix}.shared_experts.w1", (inner, hidden), 1.5 * gain)
        self.fp8(f"{prefix}.shared_experts.w3", (inner, hidden), 1.5 * gain)
        self.fp8(f"{prefix}.shared_experts.w2", (hidden, inner))

    def layer(self, prefix, ratio, hashed):
        hidden = self.config["hidden_size"]
        self.norm(prefix + ".attn_norm.weight", hidden)
        self.norm(prefix + ".ffn_norm.weight", hidden)
        self.hyper_connection(prefix + ".hc_attn")
        self.hyper_connection(prefix + ".hc_ffn")
        self.attention(prefix + ".attn", ratio)
        self.moe(prefix + ".ffn", hashed)

    def model(self):
        c = self.config
        hidden, vocab, layers = c["hidden_size"], c["vocab_size"], c["num_hidden_layers"]
        self.bf16("embed.weight",
                  self.normal("embed.weight", (vocab, hidden), self.knobs["embed_std"]))
        self.bf16("head.weight",
                  self.matrix("head.weight", (vocab, hidden), self.knobs["logit_std"]))
        self.norm("norm.weight", hidden)
        self.head_mixing("")
        for i in range(layers):
            self.layer(f"layers.{i}", c["compress_ratios"][i], i < c["num_hash_layers"])
        for i in range(c["num_nextn_predict_layers"]):
            prefix = f"mtp.{i}"
            self.layer(prefix, c["compress_ratios"][layers + i], False)
            self.fp8(prefix + ".e_proj", (hidden, hidden))
            self.fp8(prefix + ".h_proj", (hidden, hidden))
            for leaf in ("enorm", "hnorm", "norm"):
                self.norm(f"{prefix}.{leaf}.weight", hidden)
            self.head_mixing(prefix + ".")
        return self.tensors


def write_checkpoint(directory, config, knobs, seed, shards=2, tokenizer=None):
    directory.mkdir(parents=True, exist_ok=True)
    tensors = Maker(config, knobs, seed).model()
    # Experts of one layer may part over two files, as in the release.
    names = list(tensors)
    total, weight_map = 0, {}
    for s in range(shards):
        part = names[len(names) * s // shards:len(names) * (s + 1) // shards]
        file = f"model-{s + 1:05d}-of-{shards:05d}.safetensors"
        total += formats.write_safetensors(
            directory / file, {n: tensors[n] for n in part}, {"format": "pt"})
        weight_map.update({n: file for n in part})
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    generation = {"_from_model_config": True, "bos_token_id": config["bos_token_id"],
                  "eos_token_id": config["eos_token_id"], "do_sample": True,
                  "temperature": 1.0, "top_p": 1.0}
    for name, value in (("model.safetensors.index.json", index), ("config.json", config),
                        ("generation_config.json", generation)):
        (directory / name).write_text(json.dumps(value, indent=2) + "\n")
    if tokenizer and config["vocab_size"] == tokenizer_size(tokenizer):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(pathlib.Path(tokenizer) / name, directory / name)
    return total


def tokenizer_size(directory):
    data = json.loads((pathlib.Path(directory) / "tokenizer.json").read_text())
    ids = set(data["model"]["vocab"].values())
    return len(ids | {token["id"] for token in data["added_tokens"]})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--preset", choices=sorted(presets.PRESETS))
    source.add_argument("--config", help="JSON file: fields that differ from the base")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--tokenizer", help="folder whose tokenizer is copied if it fits")
    options = parser.parse_args()
    if options.preset:
        config = presets.config_of(options.preset)
        knobs = presets.PRESETS[options.preset].get("weights", {})
    else:
        config = {**presets.BASE, **json.loads(pathlib.Path(options.config).read_text())}
        knobs = {}
    total = write_checkpoint(pathlib.Path(options.out), config, knobs, options.seed,
                             options.shards, options.tokenizer)
    print(f"{options.out}: {total / 1e6:.2f} MB of tensors")


if __name__ == "__main__":
    main()
