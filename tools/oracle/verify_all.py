"""Runs `hadal verify --json` over the folders that run_all.py wrote.

  verify_all.py --hadal build/hadal --dir DIR [--precision exact] [PRESET ...]

One line a case and column: KL, the noise of the case (make_golden.py) and the
verdict. Exit code 1 when a case fails or the program gives no answer.
"""

import argparse
import json
import pathlib
import struct
import subprocess


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
        run = subprocess.run(
            [options.hadal, "verify", "--model", str(root / name), str(golden),
             "--precision", options.precision, "--json"],
            capture_output=True, text=True)
        try:
            answer = json.loads(run.stdout)
        except json.JSONDecodeError:
            print(f"{name:14} no answer (exit {run.returncode}): {run.stderr.strip()[-400:]}")
            failed.append(name)
            continue
        for case in answer["cases"]:
            key = "noise_kl_max" if case["column"] == "f32" else "unrounded_noise_kl_max"
            floor = noise.get(case["name"], {}).get(key, {})
            floor = floor.get("logits", float("nan"))
            print(f"{name:14} {case['name']:6} {case['column']:14} "
                  f"kl mean {case['kl_mean']:.1e} max {case['kl_max']:.1e} "
                  f"noise {floor:.0e} greedy "
                  f"{'equal' if case['greedy_equal'] else case['first_difference']}")
        print(f"{name:14} {'pass' if answer['pass'] else 'FAIL'}", flush=True)
        if not answer["pass"]:
            failed.append(name)
    print(f"{len(names) - len(failed)} of {len(names)} pass", *failed)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
