"""Runs `hadal verify --json` over the folders that run_all.py wrote.

  verify_all.py --hadal build/hadal --dir DIR [--precision exact] [PRESET ...]

Both columns; one line a case: the verdict, KL, and in brackets the noise of the
case (make_golden.py). Exit code 1 when a case fails or the program gives no answer.
"""

import argparse
import json
import pathlib
import struct
import subprocess

COLUMNS = {"f32": [], "f32_unrounded": ["--kv-fp8", "off", "--index-fp4", "off"]}


def reports(golden):
    """The per-case reports in a golden file's metadata."""
    with open(golden, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(size))["__metadata__"]["report"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--hadal", required=True, help="the program")
    parser.add_argument("--dir", required=True, help="folder written by run_all.py")
    parser.add_argument("--precision", default="exact")
    parser.add_argument("preset", nargs="*", help="default: every subfolder")
    options = parser.parse_args()
    root = pathlib.Path(options.dir)
    names = options.preset or sorted(p.parent.name for p in root.glob("*/golden.safetensors"))
    failed = []
    for name in names:
        golden = root / name / "golden.safetensors"
        noise = reports(golden)
        for column, switches in COLUMNS.items():
            run = subprocess.run(
                [options.hadal, "verify", "--model", str(root / name), str(golden),
                 "--precision", options.precision, "--json", *switches],
                capture_output=True, text=True)
            try:
                answer = json.loads(run.stdout)
            except json.JSONDecodeError:
                print(f"{name:13} {column}: no answer (exit {run.returncode}): "
                      f"{run.stderr.strip()[-400:]}", flush=True)
                failed.append(name)
                continue
            for case in answer["cases"]:
                print_case(name, case, noise.get(case["name"], {}))
            if not answer["pass"]:
                failed.append(name)
    print(f"{len(names) - len(set(failed))} of {len(names)} pass", *sorted(set(failed)))
    raise SystemExit(1 if failed else 0)


def print_case(name, case, noise):
    key = "noise_kl_max" if case["column"] == "f32" else "unrounded_noise_kl_max"
    floor = noise.get(key, {})
    parts = [f"{label} {case[field]:.0e} ({floor.get(noise_field, float('nan')):.0e})"
             for label, field, noise_field in (
                 ("kl max", "kl_max", "logits"), ("decode", "decode_kl_max", "decode_logits"),
                 ("mtp mean", "mtp_kl_mean", "mtp_logits")) if case.get(field) is not None]
    greedy = "equal" if case["greedy_equal"] else f"differs at {case['first_difference']}"
    print(f"{name:13} {case['name']:6} {case['column']:14} {'pass' if case['pass'] else 'FAIL'} "
          f"kl mean {case['kl_mean']:.0e} {' '.join(parts)} greedy {greedy}", flush=True)


if __name__ == "__main__":
    main()
