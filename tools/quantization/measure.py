#!/usr/bin/env python3
"""Measures what docs/quantization.md says, on the bundled model.

    tools/quantization/measure.py BUILD OUT.json

BUILD holds the program and hadal_format_errors. Every recipe is converted with
plain codes, with searched ones weighted by the model's norms alone, and with
the default (importance measured on the calibration text), and compared with the
source on the bundled text. Plain and default ones are also compared on a second
text that nothing was chosen with: the prompts and answers of skills.jsonl.
plot.py makes the figures of the result.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NANO = ROOT / "models" / "nano"
RECIPES = ["mxfp8", "true-8bit", "mlx-8bit", "mlx-4bit", "mxfp4", "3bit", "2bit"]


def affine(bits):
    return {"recipe": f"all-{bits}bit", "rules": [
        {"match": "*", "format": "affine", "bits": bits, "group": 64}]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    flags = parser.parse_args()
    hadal = flags.build / "hadal"

    def run(*arguments):
        return subprocess.run([hadal, *map(str, arguments)], check=True,
                              capture_output=True).stdout

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        second = folder / "skills.txt"
        lines = (NANO / "skills.jsonl").read_text(encoding="utf-8")
        second.write_text("".join(
            one["prompt"] + one["answer"]
            for one in map(json.loads, lines.splitlines())), encoding="utf-8")

        def compare(out, *text):
            return json.loads(run("eval", "compare", NANO, out, "--json", *text))

        recipes = list(RECIPES)
        for bits in (4, 3, 2):
            path = folder / f"all-{bits}bit.json"
            path.write_text(json.dumps(affine(bits)))
            recipes.append(path)
        rows = []
        for recipe in recipes:
            for name, extra in (("plain", ["--quantiser", "plain"]),
                                ("norms", ["--importance", "none"]),
                                ("search", [])):
                if str(recipe).startswith("mxfp") and name != "plain":
                    continue  # nothing to search for
                out = folder / f"{pathlib.Path(recipe).stem}-{name}"
                run("convert", "--model", NANO, "--out", out, "--recipe",
                    recipe, *extra)
                size = sum(p.stat().st_size for p in out.glob("model-*"))
                row = compare(out)
                if name != "norms":
                    row["second"] = compare(out, "--text", second)
                rows.append({"recipe": pathlib.Path(recipe).stem,
                             "quantiser": name, "bytes": size} | row)
                print(rows[-1]["recipe"], name, size, row["kl_mean"],
                      row.get("second", {}).get("kl_mean"), flush=True)
        fits = []
        for recipe in RECIPES:
            size = next(r["bytes"] for r in rows if r["recipe"] == recipe)
            out = folder / f"fit-{recipe}"
            run("convert", "--model", NANO, "--out", out, "--recipe",
                f"fit:{size}")
            row = compare(out)
            used = sum(p.stat().st_size for p in out.glob("model-*"))
            fits.append({"recipe": recipe, "size": size, "bytes": used} | row)
            print("fit", recipe, size, used, row["kl_mean"], flush=True)
    errors = flags.build / "tools" / "quantization" / "hadal_format_errors"
    formats = json.loads(subprocess.run([errors], check=True,
                                        capture_output=True).stdout)
    flags.out.write_text(json.dumps(
        {"recipes": rows, "fits": fits, "formats": formats}, indent=1))


main()
