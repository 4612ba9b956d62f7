"""Writes a golden file (design.md section 7) for a release checkpoint.

  make_golden.py --model DIR --preset ragged --out DIR/golden.safetensors
  make_golden.py --model DIR --prompts short=5,long=700 --out FILE [--no-transformers]

Prompts are random ids. For each case NAME the file holds

  NAME.ids [T], NAME.positions [P]
  NAME.logits.f32 [P, V]                 raw logits, kv_fp8 and index_fp4 on
  NAME.greedy.f32 [N]                    greedy continuation of that model
  NAME.decode_logits.f32 [D, V]          after each of the first greedy tokens
  NAME.mtp_logits.f32 [P, V]             MTP block on (state of p, token p + 1)
  NAME.logits.f32_unrounded [P, V], NAME.greedy.f32_unrounded,
  NAME.decode_logits.f32_unrounded       log-probabilities, all rounding off
  trace.NAME.layerN [<=4, n, D]          residual of the last positions, as f32
  trace_unrounded.NAME.layerN            the same with all rounding off

The `f32` columns come from spec_model.py (in float64, with the roundings of
the float32 run), the `f32_unrounded` ones from transformers in float32, or
from spec_model.py with --no-transformers; the metadata says which.

Rounding to FP8 and FP4 and choosing experts and rows are steps: a value that
lies within float32 noise of a step may fall to either side in two correct
engines. So each prompt is also run in float32, plainly and with every weight
and rotary frequency moved by about one unit in the last place, and prompts
where that matters (or where two tokens tie in the greedy continuation) are
drawn again. The metadata keeps what is left as the noise of each case: no
engine can be expected to come closer than that.
"""

import argparse
import json

import numpy as np

import formats
import presets
import spec_model

GREEDY_TOKENS = 12
DECODE_LOGITS = 8
TRACE_CASE = "mid"
# A prompt is kept when float32 noise moves no position by more than this KL
# and no greedy choice is closer than this logit gap.
NOISE_BAR = 1e-6
GAP_BAR = 0.01
DRAWS = 8


def log_softmax(logits):
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def kl(reference, other):
    """Per row, of two sets of log-probabilities."""
    return (np.exp(reference) * (reference - other)).sum(-1)


def choose_positions(tokens):
    """The first, the last, and those beside window and row boundaries."""
    wanted = {0, 2, 3, 4, 126, 127, 128, 129, 255, 256, tokens // 2, tokens - 2, tokens - 1}
    return np.array(sorted(p for p in wanted if 0 <= p < tokens), np.int32)


class JitteredModel(spec_model.Model):
    """float32, each weight moved by about one unit in its last place, and so
    the rotary frequencies: power functions differ by that, and at position 1500
    it turns a pair by up to 1e-4."""

    def __init__(self, model_dir, switches, seed):
        super().__init__(model_dir, switches, np.float32)
        self.stream = np.random.default_rng(seed)
        for layer in self.layers + self.mtp:
            f = layer.frequencies
            layer.frequencies = np.nextafter(f, f * self.stream.choice([0, 1, 2], f.shape),
                                             dtype=np.float32)

    def weight(self, name):
        if name not in self.cache:
            exact = super().weight(name)
            noise = self.stream.standard_normal(exact.shape, np.float32)
            self.cache[name] = exact * (1 + np.float32(6e-8) * noise)
        return self.cache[name]


class ResidualTrace(spec_model.Trace):
    """Keeps the residual streams of the last four positions only."""

    def put(self, name, value):
        if name == "residual":
            self.arrays.setdefault(self.prefix, value[-4:])


class Run:
    """One case through spec_model: logits, greedy continuation, MTP, trace."""

    def __init__(self, model, ids, positions, continuation=None):
        state, trace = model.new_state(), ResidualTrace()
        h = model.forward(ids, state, trace)
        self.residuals = list(trace.arrays.values())
        logits = model.logits(h[positions])
        token = int(model.logits(h[-1:])[0].argmax())
        following = token
        self.greedy, decode, self.gap = [], [], np.inf
        for n in range(GREEDY_TOKENS):
            token = token if continuation is None else continuation[n]
            self.greedy.append(token)
            row = model.logits(model.forward([token], state))[0]
            decode.append(row)
            best = np.sort(row)[-2:]
            self.gap = min(self.gap, float(best[1] - best[0]))
            token = int(row.argmax())
        self.columns = {"logits": logits, "decode_logits": np.array(decode[:DECODE_LOGITS])}
        if model.mtp:
            first = following if continuation is None else continuation[0]
            draft = model.mtp_forward(h, np.append(ids[1:], first), model.new_state())
            self.columns["mtp_logits"] = model.logits(draft[positions], stage=0)

    def log_probabilities(self, column):
        return log_softmax(self.columns[column])

    def noise(self, models, ids, positions, limit):
        """{column: worst KL of the other models' runs on the same tokens}.
        Gives up once a value exceeds `limit`."""
        worst = dict.fromkeys(self.columns, 0.0)
        for model in models:
            if max(worst.values()) > limit:
                break
            other = Run(model, ids, positions, self.greedy)
            for column in worst:
                distance = kl(self.log_probabilities(column), other.log_probabilities(column))
                worst[column] = max(worst[column], float(distance.max()))
        return worst


def judge(models, ids, positions, best_noise=np.inf):
    """Runs a prompt with and without rounding and measures its noise. Returns
    (clear, worst noise, ids, run with rounding, run without, report), where
    clear means: no greedy choice is close and none ends the text."""
    rounded = Run(models["rounded"], ids, positions)
    plain = Run(models["exact"], ids, positions)
    gap = min(rounded.gap, plain.gap)
    end = models["exact"].config.fields["eos_token_id"]
    clear = gap > GAP_BAR and end not in rounded.greedy + plain.greedy
    noise = rounded.noise(models["rounded_noisy"], ids, positions, best_noise)
    plain_noise = plain.noise(models["exact_noisy"], ids, positions, best_noise)
    worst = max(*noise.values(), *plain_noise.values())
    report = {"tokens": len(ids), "smallest_greedy_gap": gap, "noise_kl_max": noise,
              "unrounded_noise_kl_max": plain_noise}
    return clear, worst, ids, rounded, plain, report


def draw_case(models, length, number, seed):
    """Draws prompts until one is far from all steps; returns judge's result
    for the best one drawn."""
    best = None
    for draw in range(DRAWS):
        stream = np.random.default_rng([seed, number, length, draw])
        ids = stream.integers(2, models["exact"].config.vocab, length)
        if length > 1:
            ids[0] = models["exact"].config.fields["bos_token_id"]
        limit = best[1] if best and best[0] else np.inf
        found = judge(models, ids, choose_positions(length), limit)
        found[-1]["draw"] = draw
        if best is None or (found[0], -found[1]) > (best[0], -best[1]):
            best = found
        if best[0] and best[1] < NOISE_BAR:
            break
    return best


def make_case(name, ids, positions, rounded, plain, report, transformers_model):
    """Returns the tensors of one case and completes its report."""
    tensors = {f"{name}.ids": ("I32", ids), f"{name}.positions": ("I32", positions),
               f"{name}.greedy.f32": ("I32", rounded.greedy)}
    for column, values in rounded.columns.items():
        tensors[f"{name}.{column}.f32"] = ("F32", values)
    truth = rounded.log_probabilities("logits")
    report["entropy"] = float(-(np.exp(truth) * truth).sum(-1).mean())
    report["rounding_kl_mean"] = float(kl(truth, plain.log_probabilities("logits")).mean())

    columns = {c: plain.log_probabilities(c) for c in ("logits", "decode_logits")}
    greedy, residual = plain.greedy, plain.residuals
    if transformers_model:
        columns, greedy, residual = run_transformers(transformers_model, ids, positions)
        report["transformers_kl_max"] = {
            c: float(kl(plain.log_probabilities(c), columns[c]).max()) for c in columns}
        report["transformers_greedy_equal"] = greedy == plain.greedy
        report["transformers_residual_error"] = max(
            float(np.abs(r - plain.residuals[i]).max() / np.abs(r).max())
            for i, r in enumerate(residual))
    for column, values in columns.items():
        tensors[f"{name}.{column}.f32_unrounded"] = ("F32", values)
    tensors[f"{name}.greedy.f32_unrounded"] = ("I32", greedy)
    if name == TRACE_CASE:
        for i, r in enumerate(residual):
            tensors[f"trace.{name}.layer{i}"] = ("F32", rounded.residuals[i])
            tensors[f"trace_unrounded.{name}.layer{i}"] = ("F32", r)
    return tensors


def run_transformers(model, ids, positions):
    """Returns ({column: log-probabilities}, greedy tokens, residuals)."""
    logits, cache, residuals, token = model.prefill(ids, positions)
    greedy, decode = [], []
    for _ in range(GREEDY_TOKENS):
        greedy.append(token)
        decode.append(model.step(token, cache))
        token = int(decode[-1].argmax())
    columns = {"logits": logits, "decode_logits": np.array(decode[:DECODE_LOGITS])}
    return columns, greedy, [r[-4:] for r in residuals]


def make_golden(model_dir, out, prompts, seed, use_transformers=True):
    """`prompts` gives for each case name a number of tokens to draw, or
    (ids, positions)."""
    on, off = spec_model.Switches(), spec_model.Switches(False, False)

    def noisy(switches):
        return [spec_model.Model(model_dir, switches, np.float32),
                JitteredModel(model_dir, switches, 1), JitteredModel(model_dir, switches, 2)]

    models = {
        "rounded": spec_model.Model(model_dir, on, np.float64), "rounded_noisy": noisy(on),
        "exact": spec_model.Model(model_dir, off, np.float64), "exact_noisy": noisy(off),
    }
    transformers_model, source = None, "spec_model.py, float64"
    if use_transformers:
        import transformers
        import transformers_model as wrapper
        transformers_model = wrapper.TransformersModel(model_dir)
        source = f"transformers {transformers.__version__}, float32"
    tensors, reports = {}, {}
    for number, (name, prompt) in enumerate(prompts.items()):
        if isinstance(prompt, int):
            found = draw_case(models, prompt, number, seed)
            positions = choose_positions(prompt)
        else:
            found = judge(models, *prompt)
            positions = prompt[1]
        _, _, ids, rounded, plain, reports[name] = found
        tensors.update(make_case(name, ids, positions, rounded, plain, reports[name],
                                 transformers_model))
        print(name, json.dumps(reports[name]), flush=True)
    metadata = {
        "columns.f32": "spec_model.py, float64 arithmetic, kv_fp8 and index_fp4 on, "
                       "gemm_fp8 off; raw logits",
        "columns.f32_unrounded": source + "; kv_fp8 and index_fp4 off; log-probabilities",
        "columns.absent": "bf16",
        "report": json.dumps(reports),
    }
    formats.write_safetensors(
        out, {n: formats.Tensor(d, np.asarray(v)) for n, (d, v) in tensors.items()}, metadata)
    return reports


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True, help="checkpoint folder")
    parser.add_argument("--out", required=True, help="golden file to write")
    parser.add_argument("--preset", choices=sorted(presets.PRESETS),
                        help="take the prompts of this preset")
    parser.add_argument("--prompts", help="NAME=TOKENS,... instead of a preset's")
    parser.add_argument("--cases-from", metavar="GOLDEN",
                        help="take ids and positions of all cases of another golden file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-transformers", action="store_true")
    options = parser.parse_args()
    if options.prompts:
        prompts = {n: int(t) for n, t in
                   (item.split("=") for item in options.prompts.split(","))}
    elif options.cases_from:
        other = formats.read_safetensors(options.cases_from)
        prompts = {n[:-len(".ids")]: (other[n].data, other[n[:-len("ids")] + "positions"].data)
                   for n in other if n.endswith(".ids")}
    else:
        prompts = presets.prompts_of(options.preset) if options.preset else presets.PROMPTS
    make_golden(options.model, options.out, prompts, options.seed,
                not options.no_transformers)


if __name__ == "__main__":
    main()
