"""The `deepseek_v4` model of the transformers package on a release checkpoint,
in float32 on the CPU, with all weights dequantised beforehand.

Activation rounding (FP8 rows, indexer FP4, FP8 products) does not exist in
that model, so its output belongs into the `f32_unrounded` column. We map the
names ourselves (spec 7.3) and load strictly: a tensor that is missing, left
over or of another shape is an error, never a random weight.
"""

import json
import pathlib

import numpy as np
import torch
import transformers
from transformers import DeepseekV4Config, DeepseekV4ForCausalLM

import formats
from names import LAYER_NAMES, TOP_NAMES


def read_tensors(directory):
    index = json.loads((directory / "model.safetensors.index.json").read_text())
    tensors = {}
    for shard in sorted(set(index["weight_map"].values())):
        tensors.update(formats.read_safetensors(directory / shard))
    return tensors


def state_dict(tensors, fields):
    """{transformers name: float32 torch tensor}; the MTP block has no place."""

    def value(name):
        if tensors[name].dtype == "I64":
            return torch.from_numpy(np.array(tensors[name].data))
        return torch.from_numpy(np.ascontiguousarray(formats.to_float32(tensors, name)))

    state = {}
    for name in tensors:
        if name.endswith(".scale") or name.startswith("mtp."):
            continue
        if name in TOP_NAMES:
            state[TOP_NAMES[name]] = value(name)
            continue
        _, layer, leaf = name.split(".", 2)
        if not leaf.startswith("ffn.experts."):
            state[f"model.layers.{layer}.{LAYER_NAMES[leaf]}"] = value(name)
    experts = range(fields["n_routed_experts"])
    for layer in range(fields["num_hidden_layers"]):
        prefix = f"layers.{layer}.ffn.experts"
        state[f"model.layers.{layer}.mlp.experts.gate_up_proj"] = torch.stack([
            torch.cat([value(f"{prefix}.{e}.w1.weight"), value(f"{prefix}.{e}.w3.weight")])
            for e in experts])
        state[f"model.layers.{layer}.mlp.experts.down_proj"] = torch.stack(
            [value(f"{prefix}.{e}.w2.weight") for e in experts])
    return state


class TransformersModel:
    def __init__(self, model_dir, dtype=torch.float32):
        """float64 gives less noise, but a few of its places stay float32."""
        directory = pathlib.Path(model_dir)
        fields = json.loads((directory / "config.json").read_text())
        self.fields = fields
        settings = {k: v for k, v in fields.items()
                    if k not in ("quantization_config", "torch_dtype", "architectures")}
        # The list covers the MTP block too; the model has the trunk only.
        settings["compress_ratios"] = fields["compress_ratios"][:fields["num_hidden_layers"]]
        config = DeepseekV4Config(**settings)
        config._attn_implementation = "eager"
        config._experts_implementation = "eager"
        self.model = DeepseekV4ForCausalLM(config).to(dtype).eval()
        state = state_dict(read_tensors(directory), fields)
        self.model.load_state_dict(state, strict=True)
        self.residuals = []
        for layer in self.model.model.layers:
            layer.register_forward_hook(self._keep_residual)

    def _keep_residual(self, module, inputs, output):
        self.residuals.append(output[0].numpy().copy())

    @torch.no_grad()
    def prefill(self, ids, positions):
        """Returns (log-probabilities float64 [P, V], cache, residuals by layer
        [T, n, D], next token after the prompt)."""
        self.residuals = []
        cache = transformers.DynamicCache(config=self.model.config)
        out = self.model(torch.tensor(np.asarray(ids, np.int64))[None],
                         past_key_values=cache, use_cache=True)
        logits = out.logits[0]
        logp = torch.log_softmax(logits[torch.tensor(np.asarray(positions, np.int64))]
                                 .double(), -1).numpy()
        return logp, cache, list(self.residuals), int(logits[-1].argmax())

    @torch.no_grad()
    def step(self, token, cache):
        """Feeds one token; returns its log-probabilities float64 [V]."""
        out = self.model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        return torch.log_softmax(out.logits[0, -1].double(), -1).numpy()
