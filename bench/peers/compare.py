#!/usr/bin/env python3
"""Hadal beside llama.cpp and MLX on this machine, in alternation.

    bench/peers/build.sh SCRATCH
    bench/peers/compare.py SCRATCH [--hadal build/hadal] [--out FILE.json]

All run the shapes of DeepSeek-V4 Flash with some layers and experts and random
weights of equal size: experts of 4.25 bits a weight (MXFP4), all other matrices
of 8.5 (Q8_0 in llama.cpp; affine, 8 bits in groups of 64, here), with the whole
vocabulary. Each round runs Hadal, then llama.cpp, for every number of threads;
the ratio is taken round by round, so that what else the machine does meets
both. MLX runs once: it is much slower, and ships no DeepSeek-V4, so it is timed
on the matrix products alone (mlx_layers.py).

Prints a Markdown table; --out writes all figures as JSON.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys

from flash_shapes import Flash

HERE = pathlib.Path(__file__).resolve().parent
FORMAT = "mlx-8bit"  # as in `hadal bench --synthetic`
DENSE_BITS, EXPERT_BITS = 8.5, 4.25


def run(given, command, environment=None):
    done = subprocess.run(
        [*given.prefix, *map(str, command)], capture_output=True, text=True,
        env=os.environ | (environment or {}))
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run_hadal(given, threads):
    report = run(given, [
        given.hadal, "bench", "--json", "--threads", threads,
        "--synthetic", f"flash:layers={given.layers},experts={given.experts},"
                       f"format={FORMAT}",
        "--context", given.context, "--prompt", given.prompt])
    found = {"ceilings": report["ceilings"], "warnings": report["warnings"]}
    for row in report["rows"]:
        what = row["name"].split(",")[0].split()[0]
        found[what] = {"rate": row["value"], "share": row["share"]}
        if what == "decode":
            found["bytes"] = row["weight_bytes"] + row["cache_bytes"]
    found["bandwidth"] = next(
        c["value"] * 1e9 for c in report["ceilings"]
        if c["name"].startswith("read bandwidth"))
    return found


def run_llama(given, threads, gguf):
    bench = given.scratch / "llama-build" / "bin" / "llama-bench"
    common = [bench, "-m", gguf, "-t", threads, "-r", 1, "-o", "json"]
    prefill = run(given, [*common, "-p", given.prompt, "-n", 0])
    decode = run(given, [*common, "-p", 0, "-n", given.generate,
                         "-d", given.context])
    return {"prefill": {"rate": prefill[0]["avg_ts"]},
            "decode": {"rate": decode[0]["avg_ts"]}}


def run_mlx(given):
    return run(given, [
        given.scratch / "venv" / "bin" / "python", HERE / "mlx_layers.py",
        f"layers={given.layers},experts={given.experts}",
        "--generate", 1, "--prompt", given.mlx_prompt])


def write_gguf(given):
    path = given.scratch / f"flash-{given.layers}-{given.experts}.gguf"
    if not path.exists():
        part = path.with_suffix(".part")
        subprocess.run(
            [*given.prefix, str(given.scratch / "venv" / "bin" / "python"),
             str(HERE / "write_gguf.py"), str(part),
             f"layers={given.layers},experts={given.experts}"],
            check=True, env=os.environ | {
                "PYTHONPATH": str(given.scratch / "llama.cpp" / "gguf-py")})
        part.rename(path)
    return path


def compare(given):
    gguf = write_gguf(given)
    dense, expert = Flash(given.layers, given.experts).weights_read()
    step_bytes = (dense * DENSE_BITS + expert * EXPERT_BITS) / 8
    result = {"layers": given.layers, "experts": given.experts,
              "context": given.context, "prompt": given.prompt,
              "llama_version": (given.scratch / "version").read_text().strip(),
              "weight_bytes_per_token": step_bytes, "rounds": [], "mlx": None}
    for number in range(given.rounds):
        for threads in given.threads:
            print(f"round {number + 1}, {threads} threads", file=sys.stderr)
            hadal = run_hadal(given, threads)
            llama = run_llama(given, threads, gguf)
            llama["decode"]["share"] = (
                llama["decode"]["rate"] * step_bytes / hadal["bandwidth"])
            result["rounds"].append(
                {"threads": threads, "hadal": hadal, "llama": llama,
                 "ratio": {what: hadal[what]["rate"] / llama[what]["rate"]
                           for what in ("decode", "prefill")}})
    if given.mlx_prompt:
        print("MLX", file=sys.stderr)
        result["mlx"] = run_mlx(given)
    return result


def table(result):
    lines = [
        "| | threads | Hadal, tokens/s | share | llama.cpp, tokens/s | share "
        "| ratio by round | median |",
        "|---|---|---|---|---|---|---|---|"]

    def median(rounds, who, what, field):
        values = [r[who][what][field] for r in rounds
                  if field in r[who][what]]
        return statistics.median(values) if values else None

    threads = sorted({r["threads"] for r in result["rounds"]})
    for what in ("decode", "prefill"):
        for count in threads:
            rounds = [r for r in result["rounds"] if r["threads"] == count]
            ratios = [r["ratio"][what] for r in rounds]
            shares = [median(rounds, who, what, "share")
                      for who in ("hadal", "llama")]
            rates = [median(rounds, who, what, "rate")
                     for who in ("hadal", "llama")]
            cells = [what, str(count)]
            for rate, share in zip(rates, shares):
                cells.append(f"{rate:.1f}")
                cells.append("" if share is None else f"{share:.2f}")
            cells.append(", ".join(f"{ratio:.2f}" for ratio in ratios))
            cells.append(f"{statistics.median(ratios):.2f}")
            lines.append("| " + " | ".join(cells) + " |")
    mlx = result["mlx"]
    if mlx:
        most = [r for r in result["rounds"] if r["threads"] == threads[-1]]
        for what in ("decode", "prefill"):
            rate = statistics.median(mlx[what])
            ratio = median(most, "hadal", what, "rate") / rate
            lines.append(f"\nMLX {mlx['version']}, matrix products alone, "
                         f"{what}: {rate:.2f} tokens/s; Hadal with "
                         f"{threads[-1]} threads {ratio:.0f} times that.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--hadal", type=pathlib.Path,
                        default=HERE.parent.parent / "build" / "hadal")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--experts", type=int, default=32)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--context", type=int, default=256,
                        help="tokens in the cache when a token is decoded")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=32)
    parser.add_argument("--mlx-prompt", type=int, default=4,
                        help="tokens of MLX's prompt; 0 leaves MLX out")
    parser.add_argument("--prefix", type=shlex.split, default=[],
                        help="command put before every program, e.g. taskset")
    parser.add_argument("--out", type=pathlib.Path)
    given = parser.parse_args()
    given.scratch = given.scratch.resolve()
    result = compare(given)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))


if __name__ == "__main__":
    main()
