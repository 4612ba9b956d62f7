"""A DeepSeek-V4 forward pass in plain numpy, one function per section of the
architecture specification. It needs no torch and shares no code with the C++
engine, so the two can be compared; speed does not matter here.

The model state of a sequence is simply everything that was ever computed for
it (no ring, no tail), which makes chunks trivial. Switches as in section 8.4:
`kv_fp8` and `index_fp4` (on = the `f32` column of a golden file, off = the
`f32_unrounded` column), `gemm_fp8`. The arithmetic is float32, or float64 when
asked: the difference of the two shows how much rounding matters for a case.

By hand:  spec_model.py --model DIR --ids 5,6,7 --dump out.safetensors
writes all intermediate values of the prompt; README.md lists their names.
"""

import argparse
import json
import math
import pathlib

import numpy as np

import formats


class Config:
    """config.json in the official field names."""

    def __init__(self, fields):
        self.fields = fields
        self.hidden = fields["hidden_size"]
        self.layers = fields["num_hidden_layers"]
        self.vocab = fields["vocab_size"]
        self.heads = fields["num_attention_heads"]
        self.head_dim = fields["head_dim"]
        self.rope_dim = fields["qk_rope_head_dim"]
        self.window = fields["sliding_window"]
        self.o_groups = fields["o_groups"]
        self.index_heads = fields["index_n_heads"]
        self.index_dim = fields["index_head_dim"]
        self.index_topk = fields["index_topk"]
        self.experts = fields["n_routed_experts"]
        self.active_experts = fields["num_experts_per_tok"]
        self.hash_layers = fields["num_hash_layers"]
        self.route_scale = fields["routed_scaling_factor"]
        self.swiglu_limit = fields["swiglu_limit"]
        self.streams = fields["hc_mult"]
        self.sinkhorn_iters = fields["hc_sinkhorn_iters"]
        self.hc_eps = fields["hc_eps"]
        self.norm_eps = fields["rms_norm_eps"]
        self.mtp_layers = fields["num_nextn_predict_layers"]
        self.ratios = fields["compress_ratios"]

    @staticmethod
    def read(model_dir):
        return Config(json.loads((pathlib.Path(model_dir) / "config.json").read_text()))


class Switches:
    def __init__(self, kv_fp8=True, index_fp4=True, gemm_fp8=False):
        self.kv_fp8 = kv_fp8
        self.index_fp4 = index_fp4
        self.gemm_fp8 = gemm_fp8


# --- 2.1 norms, 8 rounding --------------------------------------------------


def rms_norm(x, weight, eps):
    """2.1"""
    y = x / np.sqrt(np.mean(x * x, -1, keepdims=True) + x.dtype.type(eps))
    return y * weight


def _blocks(x, size):
    if x.shape[-1] % size:
        raise ValueError(f"{x.shape[-1]} channels are not whole blocks of {size}")
    return x.reshape(*x.shape[:-1], -1, size)


def fp8_round_trip(x, block):
    """8.1. The exponent is that of fl32(amax * fl32(1/448)), rounded up."""
    groups = _blocks(x, block)
    amax = np.maximum(np.abs(groups).max(-1, keepdims=True).astype(np.float32),
                      np.float32(1e-4))
    exponent = formats.ceil_log2(amax * np.float32(1 / 448))
    scaled = np.ldexp(groups, -exponent)
    rounded = np.ldexp(formats.e4m3_round(scaled), exponent)
    return rounded.reshape(x.shape).astype(x.dtype)


def fp4_round_trip(x):
    """8.2"""
    groups = _blocks(x, 32)
    amax = np.maximum(np.abs(groups).max(-1, keepdims=True).astype(np.float32),
                      np.float32(6 * 2.0**-126))
    exponent = formats.ceil_log2(amax / np.float32(6))
    rounded = np.ldexp(formats.e2m1_round(np.ldexp(groups, -exponent)), exponent)
    return rounded.reshape(x.shape).astype(x.dtype)


def hadamard(x):
    """3.8: y = x H d^-0.5 with H[i][j] = (-1)^popcount(i & j)."""
    size = x.shape[-1]
    i = np.arange(size)
    bits = i[:, None] & i[None, :]
    parity = np.zeros_like(bits)
    while bits.any():
        parity ^= bits & 1
        bits >>= 1
    h = (1 - 2 * parity).astype(x.dtype)
    return (x @ h) * x.dtype.type(size**-0.5)


# --- 2.4 to 2.6 hyper-connections -------------------------------------------


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def hc_mix(h, fn, norm_eps):
    """2.4 steps 1 to 3; h [T, n, D] -> [T, rows of fn]."""
    f = h.reshape(h.shape[0], -1)
    rho = 1 / np.sqrt(np.mean(f * f, -1, keepdims=True) + f.dtype.type(norm_eps))
    return (f @ fn.T) * rho


def sinkhorn(c, iterations, eps):
    """2.4 steps 8 to 10; c [T, n, n], rows are sources, columns destinations."""
    eps = c.dtype.type(eps)
    c = np.exp(c - c.max(-1, keepdims=True))
    c = c / c.sum(-1, keepdims=True) + eps
    c = c / (c.sum(-2, keepdims=True) + eps)
    for _ in range(iterations - 1):
        c = c / (c.sum(-1, keepdims=True) + eps)
        c = c / (c.sum(-2, keepdims=True) + eps)
    return c


def hc_pre(h, fn, scale, base, config):
    """2.4; returns x [T, D], post [T, n], comb [T, n, n], pre [T, n]."""
    n = h.shape[1]
    mix = hc_mix(h, fn, config.norm_eps)
    pre = sigmoid(mix[:, :n] * scale[0] + base[:n]) + h.dtype.type(config.hc_eps)
    post = 2 * sigmoid(mix[:, n:2 * n] * scale[1] + base[n:2 * n])
    comb = (mix[:, 2 * n:] * scale[2] + base[2 * n:]).reshape(-1, n, n)
    comb = sinkhorn(comb, config.sinkhorn_iters, config.hc_eps)
    x = np.einsum("ti,tid->td", pre, h)
    return x, post, comb, pre


def hc_post(y, r, post, comb):
    """2.5: h'[k] = post[k] y + sum_j comb[j][k] r[j]."""
    return post[:, :, None] * y[:, None, :] + np.einsum("tjk,tjd->tkd", comb, r)


def hc_head(h, fn, scale, base, config):
    """2.6"""
    mix = hc_mix(h, fn, config.norm_eps)
    pre = sigmoid(mix * scale[0] + base) + h.dtype.type(config.hc_eps)
    return np.einsum("ti,tid->td", pre, h)


# --- 3.3 rotation -----------------------------------------------------------


def rotary_frequencies(config, ratio):
    """1.3 and 3.3: float32 [rope_dim / 2] of a layer with this ratio."""
    fields, rd = config.fields, config.rope_dim
    theta = fields["compress_rope_theta"] if ratio else fields["rope_theta"]
    exponents = np.arange(0, rd, 2, dtype=np.float32) / np.float32(rd)
    f = (1.0 / np.power(float(theta), exponents.astype(np.float64))).astype(np.float32)
    scaling = fields.get("rope_scaling")
    if not ratio or not scaling:
        return f
    original = scaling["original_max_position_embeddings"]

    def channel(rotations):
        turns = math.log(original / (rotations * 2 * math.pi))
        return rd * turns / (2 * math.log(theta))

    low = max(math.floor(channel(scaling["beta_fast"])), 0)
    high = min(math.ceil(channel(scaling["beta_slow"])), rd - 1)
    span = high - low if high != low else 0.001
    ramp = np.clip((np.arange(rd // 2, dtype=np.float32) - low) / np.float32(span), 0, 1)
    ramp = ramp.astype(np.float32)
    return f / np.float32(scaling["factor"]) * ramp + f * (1 - ramp)


def rotate(x, positions, frequencies, inverse=False):
    """3.3 on the last rope_dim channels of x [T, ..., d], pairs (2i, 2i+1).

    The angle is the float32 product of position and frequency."""
    angle = np.asarray(positions, np.float32)[:, None] * frequencies[None, :]
    cos = np.cos(angle.astype(np.float64)).astype(x.dtype)
    sin = np.sin(angle.astype(np.float64)).astype(x.dtype)
    if inverse:
        sin = -sin
    middle = (1,) * (x.ndim - 2)
    cos = cos.reshape(len(positions), *middle, -1)
    sin = sin.reshape(len(positions), *middle, -1)
    rd = 2 * frequencies.shape[0]
    out = x.copy()
    even, odd = x[..., -rd::2], x[..., x.shape[-1] - rd + 1::2]
    out[..., -rd::2] = even * cos - odd * sin
    out[..., x.shape[-1] - rd + 1::2] = even * sin + odd * cos
    return out


# --- layers -----------------------------------------------------------------


class LayerState:
    """What one layer has computed for one sequence, rows by position."""

    def __init__(self):
        self.rows = {}

    def append(self, name, values):
        old = self.rows.get(name)
        self.rows[name] = values if old is None else np.concatenate([old, values])

    def __getitem__(self, name):
        return self.rows[name]

    def count(self, name):
        return len(self.rows[name]) if name in self.rows else 0


class Trace:
    """Collects named arrays; names are prefixed with the layer's."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.arrays = {}

    def put(self, name, value):
        self.arrays.setdefault(self.prefix + name, []).append(np.array(value))


class SilentTrace(Trace):
    def put(self, name, value):
        pass


class Layer:
    """One trunk layer, or the block part of an MTP stage."""

    def __init__(self, model, name, ratio, hashed):
        self.model, self.name, self.ratio, self.hashed = model, name, ratio, hashed
        self.config, self.switches = model.config, model.switches
        self.frequencies = rotary_frequencies(self.config, ratio)

    def weight(self, leaf):
        return self.model.weight(f"{self.name}.{leaf}")

    def linear(self, x, leaf):
        return self.model.linear(x, f"{self.name}.{leaf}.weight")

    # 2.3
    def forward(self, h, ids, positions, state, trace):
        config = self.config
        for half, function in (("attn", self.attention), ("ffn", self.moe)):
            x, post, comb, pre = hc_pre(
                h, self.weight(f"hc_{half}_fn"), self.weight(f"hc_{half}_scale"),
                self.weight(f"hc_{half}_base"), config)
            x = rms_norm(x, self.weight(f"{half}_norm.weight"), config.norm_eps)
            trace.put(f"{half}_pre", pre)
            trace.put(f"{half}_post", post)
            trace.put(f"{half}_comb", comb)
            trace.put(f"{half}_in", x)
            y = function(x, ids, positions, state, trace)
            trace.put(f"{half}_out", y)
            h = hc_post(y, h, post, comb)
        trace.put("residual", h)
        return h

    # 3.2 to 3.6
    def attention(self, x, ids, positions, state, trace):
        config = self.config
        hd, rd, heads = config.head_dim, config.rope_dim, config.heads
        a = rms_norm(self.linear(x, "attn.wq_a"), self.weight("attn.q_norm.weight"),
                     config.norm_eps)
        q = self.linear(a, "attn.wq_b").reshape(-1, heads, hd)
        q = rms_norm(q, q.dtype.type(1), config.norm_eps)
        q = rotate(q, positions, self.frequencies)
        kv = rms_norm(self.linear(x, "attn.wkv"), self.weight("attn.kv_norm.weight"),
                      config.norm_eps)
        kv = self.finish_row(rotate(kv, positions, self.frequencies))
        state.append("kv", kv)
        trace.put("q_latent", a)
        trace.put("q", q)
        trace.put("kv", kv)

        visible = None
        if self.ratio:
            self.compress(x, positions, state, trace, "attn.compressor", hd, self.finish_row)
            visible = self.compressed_mask(positions, state)
        if self.ratio == 4:
            visible = self.select(x, a, positions, state, visible, trace)
        o = self.attend(q, positions, state, visible)
        trace.put("attn_heads", o)

        o = rotate(o, positions, self.frequencies, inverse=True)
        groups = config.o_groups
        o = o.reshape(-1, groups, heads * hd // groups)
        wo_a = self.weight("attn.wo_a.weight")
        rank = wo_a.shape[0] // groups
        u = np.concatenate([o[:, g] @ wo_a[g * rank:(g + 1) * rank].T
                            for g in range(groups)], -1)
        trace.put("attn_latent", u)
        return self.linear(u, "attn.wo_b")

    def finish_row(self, row):
        """3.2: the FP8 round trip of the non-rotary channels."""
        if not self.switches.kv_fp8:
            return row
        nd = self.config.head_dim - self.config.rope_dim
        if nd == 0:
            return row
        return np.concatenate([fp8_round_trip(row[:, :nd], 64), row[:, nd:]], -1)

    def finish_index(self, row):
        """3.7, 3.8: Hadamard transform and FP4 round trip, both or neither."""
        return fp4_round_trip(hadamard(row)) if self.switches.index_fp4 else row

    # 3.7
    def compress(self, x, positions, state, trace, leaf, d, finish):
        m = self.ratio
        ape = self.weight(f"{leaf}.ape")
        z = x @ self.weight(f"{leaf}.wkv.weight").T
        g = x @ self.weight(f"{leaf}.wgate.weight").T + ape[positions % m]
        state.append(leaf + ".z", z)
        state.append(leaf + ".g", g)
        z, g = state[leaf + ".z"], state[leaf + ".g"]
        for s in range(state.count(leaf), len(z) // m):
            own = slice(s * m, (s + 1) * m)
            if m == 4:
                slots_z, slots_g = z[own, d:], g[own, d:]
                if s > 0:
                    previous = slice((s - 1) * m, s * m)
                    slots_z = np.concatenate([z[previous, :d], slots_z])
                    slots_g = np.concatenate([g[previous, :d], slots_g])
            else:
                slots_z, slots_g = z[own], g[own]
            w = np.exp(slots_g - slots_g.max(0))
            row = (w * slots_z).sum(0, keepdims=True) / w.sum(0, keepdims=True)
            row = rms_norm(row, self.weight(f"{leaf}.norm.weight"), self.config.norm_eps)
            row = finish(rotate(row, np.array([s * m]), self.frequencies))
            state.append(leaf, row)
            trace.put(leaf.removeprefix("attn."), row)

    # 3.4
    def compressed_mask(self, positions, state):
        """[T, rows]: row s is visible to position p when s < (p + 1) // m."""
        rows = np.arange(state.count("attn.compressor"))
        return rows[None, :] < ((positions + 1) // self.ratio)[:, None]

    # 3.8
    def select(self, x, a, positions, state, visible, trace):
        config = self.config
        leaf = "attn.indexer.compressor"
        self.compress(x, positions, state, trace, leaf, config.index_dim, self.finish_index)
        qi = self.linear(a, "attn.indexer.wq_b")
        qi = qi.reshape(-1, config.index_heads, config.index_dim)
        qi = self.finish_index(rotate(qi, positions, self.frequencies))
        wt = self.linear(x, "attn.indexer.weights_proj")
        wt = wt * x.dtype.type(config.index_dim**-0.5 * config.index_heads**-0.5)
        trace.put("index_q", qi)
        trace.put("index_weights", wt)
        rows = state.count(leaf)
        if rows == 0:
            return visible
        ki = state[leaf]
        score = np.empty((len(x), rows), x.dtype)
        for t in range(len(x)):
            score[t] = wt[t] @ np.maximum(qi[t] @ ki.T, 0)
        score = np.where(visible, score, -np.inf)
        order = np.argsort(-score, axis=-1, kind="stable")[:, :config.index_topk]
        chosen = np.zeros_like(visible)
        np.put_along_axis(chosen, order, True, -1)
        chosen &= visible
        trace.put("index_scores", score)
        trace.put("index_selected", chosen)
        return chosen

    # 3.4, 3.5
    def attend(self, q, positions, state, visible):
        config = self.config
        kv = state["kv"]
        sink = self.weight("attn.attn_sink")
        scale = q.dtype.type(config.head_dim**-0.5)
        out = np.empty_like(q)
        step = 64
        for begin in range(0, len(q), step):
            part = slice(begin, min(begin + step, len(q)))
            p = positions[part]
            first = max(0, p[0] - config.window + 1)
            j = np.arange(first, p[-1] + 1)
            allowed = (j <= p[:, None]) & (j > p[:, None] - config.window)
            keys = kv[first:p[-1] + 1]
            if visible is not None and state.count("attn.compressor"):
                keys = np.concatenate([keys, state["attn.compressor"]])
                allowed = np.concatenate([allowed, visible[part]], -1)
            s = np.einsum("thd,kd->htk", q[part], keys, optimize=True) * scale
            s = np.where(allowed[None], s, -np.inf)
            top = np.maximum(s.max(-1), sink[:, None])
            e = np.exp(s - top[..., None])
            total = e.sum(-1) + np.exp(sink[:, None] - top)
            o = np.einsum("htk,kd->thd", e, keys, optimize=True)
            out[part] = o / total.T[..., None]
        return out

    # 5
    def moe(self, x, ids, positions, state, trace):
        config = self.config
        u = x @ self.weight("ffn.gate.weight").T
        r = np.sqrt(np.where(u > 20, u, np.log1p(np.exp(np.minimum(u, 20)))))
        if self.hashed:
            indices = self.model.tensors[f"{self.name}.ffn.gate.tid2eid"].data[ids]
        else:
            biased = r + self.weight("ffn.gate.bias")
            order = np.argsort(-biased, axis=-1, kind="stable")
            indices = order[:, :config.active_experts]
            trace.put("gate_biased", biased)
        w = np.take_along_axis(r, indices, -1)
        w = w / w.sum(-1, keepdims=True) * x.dtype.type(config.route_scale)
        trace.put("gate_logits", u)
        trace.put("gate_indices", indices)
        trace.put("gate_weights", w)

        y = np.zeros_like(x)
        for e in range(config.experts):
            tokens, slots = np.nonzero(indices == e)
            if len(tokens):
                # A hash row may name an expert twice: both weights count.
                values = self.expert(x[tokens], f"ffn.experts.{e}", w[tokens, slots, None])
                np.add.at(y, tokens, values)
        trace.put("moe_routed", y)
        return y + self.expert(x, "ffn.shared_experts", x.dtype.type(1))

    # 5.2
    def expert(self, x, leaf, weight):
        limit = self.config.swiglu_limit
        gate = np.minimum(self.linear(x, f"{leaf}.w1"), x.dtype.type(limit))
        up = np.clip(self.linear(x, f"{leaf}.w3"), -limit, limit).astype(x.dtype)
        return self.linear(weight * (gate * sigmoid(gate) * up), f"{leaf}.w2")


class Model:
    def __init__(self, model_dir, switches=None, dtype=np.float32):
        directory = pathlib.Path(model_dir)
        self.config = Config.read(directory)
        self.switches = switches or Switches()
        self.dtype = np.dtype(dtype)
        index = json.loads((directory / "model.safetensors.index.json").read_text())
        self.tensors = {}
        for shard in sorted(set(index["weight_map"].values())):
            self.tensors.update(formats.read_safetensors(directory / shard))
        self.cache = {}
        ratios, hash_layers = self.config.ratios, self.config.hash_layers
        self.layers = [Layer(self, f"layers.{i}", ratios[i], i < hash_layers)
                       for i in range(self.config.layers)]
        self.mtp = [Layer(self, f"mtp.{i}", ratios[self.config.layers + i], False)
                    for i in range(self.config.mtp_layers)]

    def weight(self, name):
        if name not in self.cache:
            self.cache[name] = formats.to_float32(self.tensors, name).astype(self.dtype)
        return self.cache[name]

    def linear(self, x, name):
        """2.1. Only FP8 and FP4 weights see a rounded input, if at all."""
        quantised = self.tensors[name].dtype in ("F8_E4M3", "I8")
        if self.switches.gemm_fp8 and quantised:
            width = x.shape[-1]
            padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -width % 128)])
            x = fp8_round_trip(padded, 128)[..., :width]
        return x @ self.weight(name).T

    def new_state(self):
        return {"tokens": 0, "layers": [LayerState() for _ in self.layers],
                "mtp_tokens": 0, "mtp": [LayerState() for _ in self.mtp]}

    def forward(self, ids, state, trace=None):
        """Feeds ids after what `state` holds; returns the residual streams
        [T, n, D] after the last layer."""
        trace = trace or SilentTrace()
        ids = np.asarray(ids, np.int64)
        positions = state["tokens"] + np.arange(len(ids))
        h = self.weight("embed.weight")[ids]
        h = np.repeat(h[:, None, :], self.config.streams, 1)
        for i, layer in enumerate(self.layers):
            trace.prefix = f"layer{i}."
            h = layer.forward(h, ids, positions, state["layers"][i], trace)
        trace.prefix = ""
        state["tokens"] += len(ids)
        return h

    def logits(self, h, stage=None):
        """6.1, or 6.2 with `stage` the index of an MTP block."""
        prefix = "" if stage is None else f"mtp.{stage}."
        x = hc_head(h, self.weight(prefix + "hc_head_fn"),
                    self.weight(prefix + "hc_head_scale"),
                    self.weight(prefix + "hc_head_base"), self.config)
        x = rms_norm(x, self.weight(prefix + "norm.weight"), self.config.norm_eps)
        return x @ self.weight("head.weight").T

    def mtp_forward(self, h, next_ids, state, trace=None):
        """6.2, first stage: h[i] is the trunk state of a position and
        next_ids[i] the token at the position after it. Returns h'' [T, n, D];
        its logits (stage 0) predict the token two positions on."""
        trace = trace or SilentTrace()
        next_ids = np.asarray(next_ids, np.int64)
        eps = self.config.norm_eps
        e = self.linear(rms_norm(self.weight("embed.weight")[next_ids],
                                 self.weight("mtp.0.enorm.weight"), eps),
                        "mtp.0.e_proj.weight")
        s = self.linear(rms_norm(h, self.weight("mtp.0.hnorm.weight"), eps),
                        "mtp.0.h_proj.weight")
        positions = state["mtp_tokens"] + np.arange(len(next_ids))
        trace.prefix = "mtp0."
        h = self.mtp[0].forward(s + e[:, None, :], next_ids, positions,
                                state["mtp"][0], trace)
        trace.prefix = ""
        state["mtp_tokens"] += len(next_ids)
        return h


def to_tensors(trace):
    """The arrays of a trace as float32 (or I32) tensors for a file. Chunks are
    joined along the first axis; ragged index arrays are padded."""
    tensors = {}
    for name, parts in trace.arrays.items():
        if name.endswith(("index_scores", "index_selected")):
            width = max(part.shape[-1] for part in parts)
            fill = 0 if parts[0].dtype == bool else -np.inf
            parts = [np.pad(part, [(0, 0), (0, width - part.shape[-1])],
                            constant_values=fill) for part in parts]
        value = np.concatenate(parts)
        integral = value.dtype.kind in "bi"
        tensors[name] = formats.Tensor("I32" if integral else "F32", value)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True, help="checkpoint folder")
    parser.add_argument("--ids", help="token ids, separated by commas")
    parser.add_argument("--golden", help="take the ids of --case from this file")
    parser.add_argument("--case", help="case name in the golden file")
    parser.add_argument("--tokens", type=int, help="use only the first N ids")
    parser.add_argument("--chunk", type=int, help="feed in chunks of N tokens")
    parser.add_argument("--dump", help="safetensors file for all intermediate values")
    parser.add_argument("--no-kv-fp8", action="store_true")
    parser.add_argument("--no-index-fp4", action="store_true")
    parser.add_argument("--gemm-fp8", action="store_true")
    parser.add_argument("--float64", action="store_true")
    options = parser.parse_args()

    if options.ids:
        ids = [int(i) for i in options.ids.split(",")]
    else:
        ids = formats.read_safetensors(options.golden)[f"{options.case}.ids"].data
    ids = np.asarray(ids[:options.tokens], np.int64)
    switches = Switches(not options.no_kv_fp8, not options.no_index_fp4, options.gemm_fp8)
    model = Model(options.model, switches, np.float64 if options.float64 else np.float32)
    state, trace = model.new_state(), Trace()
    chunk = options.chunk or len(ids)
    h = np.concatenate([model.forward(ids[i:i + chunk], state, trace)
                        for i in range(0, len(ids), chunk)])
    logits = model.logits(h[-1:])
    best = np.argsort(-logits[0], kind="stable")[:5]
    print("last position, best five:",
          ", ".join(f"{i}: {logits[0, i]:.5f}" for i in best))
    if options.dump:
        tensors = to_tensors(trace)
        tensors["ids"] = formats.Tensor("I32", ids)
        tensors["logits"] = formats.Tensor("F32", model.logits(h))
        formats.write_safetensors(options.dump, tensors)


if __name__ == "__main__":
    main()
