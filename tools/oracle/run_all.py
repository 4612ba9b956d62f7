"""Makes the checkpoints and golden files of all presets, or of those named.

  run_all.py --out DIR --tokenizer models/nano [--no-transformers] [PRESET ...]

Each preset gets DIR/PRESET with the checkpoint, golden.safetensors and
report.json (entropy, noise floor, agreement with transformers, per case).
"""

import argparse
import json
import pathlib

import make_checkpoint
import make_golden
import presets


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--tokenizer", help="folder whose tokenizer is copied if it fits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-transformers", action="store_true")
    parser.add_argument("preset", nargs="*", help="default: all")
    options = parser.parse_args()
    for name in options.preset or presets.PRESETS:
        preset, directory = presets.PRESETS[name], pathlib.Path(options.out) / name
        make_checkpoint.write_checkpoint(
            directory, presets.config_of(name), preset.get("weights", {}), options.seed,
            tokenizer=options.tokenizer)
        use_transformers = preset.get("transformers", True) and not options.no_transformers
        print(f"--- {name}", flush=True)
        reports = make_golden.make_golden(
            directory, directory / "golden.safetensors", presets.prompts_of(name),
            options.seed, use_transformers)
        (directory / "report.json").write_text(json.dumps(reports, indent=1) + "\n")


if __name__ == "__main__":
    main()
