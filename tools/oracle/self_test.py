"""The opt-in test: does the oracle still say what the recorded files say?

  self_test.py [--hadal build/hadal]

1. spec_model.py against the recorded official run of the bundled model;
2. the `tiny` preset is made anew: same checkpoint bytes as in tests/data, same
   golden values up to float32 noise;
3. with --hadal: the program on a checkpoint that nobody has seen (another
   seed), exact precision.

Needs numpy only.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import formats
import make_checkpoint
import make_golden
import presets
import spec_model

ROOT = pathlib.Path(__file__).resolve().parents[2]


def expect(condition, text):
    print(("ok    " if condition else "FAIL  ") + text, flush=True)
    if not condition:
        raise SystemExit(1)


def check_nano():
    golden = formats.read_safetensors(ROOT / "models/nano/golden.safetensors")
    for column, switches in (("f32", spec_model.Switches()),
                             ("f32_unrounded", spec_model.Switches(False, False))):
        model = spec_model.Model(ROOT / "models/nano", switches)
        for case in ("short", "tool"):
            h = model.forward(golden[f"{case}.ids"].data, model.new_state())
            logits = model.logits(h[golden[f"{case}.positions"].data])
            distance = make_golden.kl(
                make_golden.log_softmax(golden[f"{case}.logits.{column}"].data),
                make_golden.log_softmax(logits)).max()
            expect(distance < 1e-6, f"nano {case} {column}: largest KL {distance:.1e}")


def check_chunks():
    """A forward pass in pieces equals one in a piece."""
    folder = ROOT / "tests/data/oracle/tiny"
    ids = formats.read_safetensors(folder / "golden.safetensors")["mid.ids"].data
    model = spec_model.Model(folder, dtype=np.float64)
    whole = model.forward(ids, model.new_state())
    for size in (1, 3, 127):
        state = model.new_state()
        parts = [model.forward(ids[i:i + size], state) for i in range(0, len(ids), size)]
        error = np.abs(np.concatenate(parts) - whole).max()
        expect(error < 1e-9, f"tiny in chunks of {size}: largest difference {error:.1e}")


def check_tiny(folder):
    recorded = ROOT / "tests/data/oracle/tiny"
    make_checkpoint.write_checkpoint(folder, presets.config_of("tiny"), {}, seed=1)
    for file in sorted(recorded.glob("model*")):
        expect((folder / file.name).read_bytes() == file.read_bytes(), f"tiny/{file.name}")
    golden = formats.read_safetensors(recorded / "golden.safetensors")
    model = spec_model.Model(folder, spec_model.Switches(), np.float64)
    for case in presets.prompts_of("tiny"):
        h = model.forward(golden[f"{case}.ids"].data, model.new_state())
        logits = model.logits(h[golden[f"{case}.positions"].data])
        error = np.abs(logits - golden[f"{case}.logits.f32"].data).max()
        expect(error < 1e-4, f"tiny {case}: largest logit difference {error:.1e}")


def check_program(program, folder):
    seed = int.from_bytes(np.random.bytes(3), "little")
    make_checkpoint.write_checkpoint(folder, presets.config_of("tiny"), {}, seed)
    golden = folder / "golden.safetensors"
    make_golden.make_golden(folder, golden, {"one": 1, "edge": 126, "mid": 300}, seed, False)
    run = subprocess.run([program, "verify", "--model", str(folder), str(golden),
                          "--precision", "exact"], capture_output=True, text=True)
    if run.returncode:
        print(run.stdout, run.stderr)
    expect(run.returncode == 0, f"hadal verify on tiny with seed {seed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--hadal", help="the program")
    options = parser.parse_args()
    check_nano()
    check_chunks()
    with tempfile.TemporaryDirectory() as folder:
        check_tiny(pathlib.Path(folder))
    if options.hadal:
        with tempfile.TemporaryDirectory() as folder:
            check_program(options.hadal, pathlib.Path(folder))
    print("oracle: all checks passed")


if __name__ == "__main__":
    sys.exit(main())
