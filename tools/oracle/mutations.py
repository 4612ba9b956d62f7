"""How loudly does a golden file answer to a mistake?

  mutations.py --model DIR --golden DIR/golden.safetensors --case mid

Runs spec_model.py with one typical mistake at a time (the traps of
architecture.md section 9) and prints the KL to the `f32` column. A mistake
whose KL is near the noise of the case would go unnoticed there.
"""

import argparse
import contextlib
import inspect
import textwrap

import numpy as np

import formats
import make_golden
import spec_model


def transposed_comb(y, r, post, comb):
    return post[:, :, None] * y[:, None, :] + np.einsum("tkj,tjd->tkd", comb, r)


def half_post(y, r, post, comb):
    return ORIGINAL["hc_post"](y, r, post / 2, comb)


def one_sinkhorn_less(c, iterations, eps):
    return ORIGINAL["sinkhorn"](c, iterations - 1, eps)


def no_inverse(x, positions, frequencies, inverse=False):
    return x if inverse else ORIGINAL["rotate"](x, positions, frequencies)


def one_theta(config, ratio):
    return ORIGINAL["rotary_frequencies"](config, 0)


def no_yarn(config, ratio):
    fields = {**config.fields, "rope_scaling": None}
    return ORIGINAL["rotary_frequencies"](spec_model.Config(fields), ratio)


def late_mask(self, positions, state):
    rows = np.arange(state.count("attn.compressor"))
    return rows[None, :] < (positions // self.ratio)[:, None]


def open_mask(self, positions, state):
    return np.ones((len(positions), state.count("attn.compressor")), bool)


def last_rows(self, x, a, positions, state, visible, trace):
    """The newest rows instead of the best ones."""
    ORIGINAL["select"](self, x, a, positions, state, visible, trace)
    score = np.where(visible, np.arange(visible.shape[1]), -1)
    order = np.argsort(-score, -1, kind="stable")[:, :self.config.index_topk]
    chosen = np.zeros_like(visible)
    np.put_along_axis(chosen, order, True, -1)
    return chosen & visible


def rewritten(function, old, new):
    """The same function with a piece of its source replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    if old not in source:
        raise ValueError(f"{function.__name__} has no {old!r}")
    scope = dict(vars(spec_model))
    exec(compile(source.replace(old, new), function.__name__, "exec"), scope)
    return scope[function.__name__]


Layer = spec_model.Layer
ORIGINAL = {"hc_post": spec_model.hc_post, "sinkhorn": spec_model.sinkhorn,
            "rotate": spec_model.rotate, "select": Layer.select,
            "rotary_frequencies": spec_model.rotary_frequencies}

MUTATIONS = {
    "comb transposed": (spec_model, "hc_post", transposed_comb),
    "post without its factor 2": (spec_model, "hc_post", half_post),
    "one Sinkhorn round less": (spec_model, "sinkhorn", one_sinkhorn_less),
    "hc_eps left out of pre": (spec_model, "hc_pre", rewritten(
        spec_model.hc_pre, "+ h.dtype.type(config.hc_eps)", "")),
    "output keeps its rotation": (spec_model, "rotate", no_inverse),
    "theta of ratio 0 everywhere": (spec_model, "rotary_frequencies", one_theta),
    "no YaRN": (spec_model, "rotary_frequencies", no_yarn),
    "row visible one token late": (Layer, "compressed_mask", late_mask),
    "future rows visible": (Layer, "compressed_mask", open_mask),
    "newest rows instead of best": (Layer, "select", last_rows),
    "window of 127": (Layer, "attend", rewritten(
        Layer.attend, "(j > p[:, None] - config.window)",
        "(j > p[:, None] - config.window + 1)")),
    "no sink": (Layer, "attend", rewritten(
        Layer.attend, "e.sum(-1) + np.exp(sink[:, None] - top)", "e.sum(-1)")),
    "previous window lost": (Layer, "compress", rewritten(
        Layer.compress, "if s > 0:", "if False:")),
    "halves of ratio 4 swapped": (Layer, "compress", rewritten(
        Layer.compress, "z[own, d:], g[own, d:]", "z[own, :d], g[own, :d]")),
    "row rotated at its index": (Layer, "compress", rewritten(
        Layer.compress, "np.array([s * m])", "np.array([s])")),
    "ape counted from the call": (Layer, "compress", rewritten(
        Layer.compress, "ape[positions % m]", "ape[(positions + 1) % m]")),
    "bias in the routing weights": (Layer, "moe", rewritten(
        Layer.moe, "w = np.take_along_axis(r, indices, -1)",
        "w = np.take_along_axis(r if self.hashed else biased, indices, -1)")),
    "shared expert unclamped": (Layer, "expert", rewritten(
        Layer.expert, "limit = self.config.swiglu_limit",
        "limit = np.inf if leaf == 'ffn.shared_experts' else self.config.swiglu_limit")),
    "gate clamped from below too": (Layer, "expert", rewritten(
        Layer.expert, "np.minimum(self.linear(x, f\"{leaf}.w1\"), x.dtype.type(limit))",
        "np.clip(self.linear(x, f\"{leaf}.w1\"), -limit, limit)")),
    "no Hadamard before FP4": (spec_model, "hadamard", lambda x: x),
    "rows not rounded to FP8": (Layer, "finish_row", lambda self, row: row),
    "rotary channels rounded too": (Layer, "finish_row", rewritten(
        Layer.finish_row, "row[:, nd:]],", "fp8_round_trip(row[:, nd:], 32)],")),
    "FP8 blocks of 32": (Layer, "finish_row", rewritten(
        Layer.finish_row, "row[:, :nd], 64", "row[:, :nd], 32")),
}


@contextlib.contextmanager
def mutation(owner, name, replacement):
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, original)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--golden", required=True)
    parser.add_argument("--case", required=True)
    options = parser.parse_args()
    golden = formats.read_safetensors(options.golden)
    ids = golden[f"{options.case}.ids"].data
    positions = golden[f"{options.case}.positions"].data
    truth = make_golden.log_softmax(golden[f"{options.case}.logits.f32"].data)

    def distance():
        model = spec_model.Model(options.model)
        logits = model.logits(model.forward(ids, model.new_state())[positions])
        return make_golden.kl(truth, make_golden.log_softmax(logits))

    print(f"{'unchanged':32} mean {distance().mean():.1e}")
    for label, (owner, name, replacement) in MUTATIONS.items():
        with mutation(owner, name, replacement):
            value = distance()
        print(f"{label:32} mean {value.mean():.1e}  max {value.max():.1e}", flush=True)


if __name__ == "__main__":
    main()
