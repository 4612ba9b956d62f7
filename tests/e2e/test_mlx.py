"""Our files in MLX's own hands, and MLX's files in ours. Needs a Python with
mlx: $HADAL_MLX_PYTHON, or .venv-mlx of `scripts/setup.sh --mlx`."""

import os
import pathlib
import subprocess
import unittest

from harness import NANO, SOURCE, hadal, main
from test_convert import ConvertTest

PYTHON = os.environ.get("HADAL_MLX_PYTHON",
                        str(SOURCE / ".venv-mlx" / "bin" / "python"))
CHECK = pathlib.Path(__file__).with_name("mlx_check.py")


def mlx_is_there():
    try:
        return subprocess.run([PYTHON, "-c", "import mlx.core"],
                              capture_output=True).returncode == 0
    except OSError:
        return False


@unittest.skipUnless(mlx_is_there(), "no Python with mlx (scripts/setup.sh --mlx)")
class Mlx(ConvertTest):
    def mlx(self, *arguments):
        done = subprocess.run([PYTHON, str(CHECK), *map(str, arguments)],
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def widened(self, model):
        return self.convert(self.recipe([{"match": "*", "format": "f32"}]),
                            "--mtp", "keep", model=model)

    def test_every_recipe_dequantises_to_our_numbers(self):
        for recipe in ("lossless", "mlx-4bit", "mlx-8bit", "true-8bit", "mxfp4",
                       "mxfp8", "bf16", "3bit", "2bit"):
            out = self.convert(recipe)
            seen = self.mlx("numbers", out, self.widened(out)).split()
            self.assertGreater(int(seen[1]), 50, recipe)
            self.assertEqual(int(seen[0]) > 50, recipe != "bf16", recipe)

    def test_own_recipes_of_every_width(self):
        for bits in (2, 3, 4, 5, 6, 8):
            for group in (32, 64, 128):
                out = self.convert(self.recipe(
                    [{"match": "*.attn.w*", "format": "affine", "bits": bits,
                      "group": group}]))
                self.mlx("numbers", out, self.widened(out))

    def test_what_mlx_quantised(self):
        wide = self.convert("bf16")
        theirs = self.folder / "theirs"
        self.mlx("quantise", wide, theirs)
        self.mlx("numbers", theirs, self.widened(theirs))
        answer = hadal("eval", "perplexity", "--model", theirs, "--json")
        self.assertEqual(answer.status, 0, answer.err)
        self.refused(2, "--requantize", model=theirs, recipe="true-8bit")

    def test_plain_is_what_mlx_writes(self):
        """The whole model, bit for bit."""
        wide = self.convert("bf16")
        for bits, group in ((4, 64), (3, 32), (6, 128), (8, 64)):
            theirs = self.folder / f"theirs-{bits}-{group}"
            self.mlx("plain", wide, theirs, bits, group)
            ours = self.convert(
                self.recipe([{"match": "*", "format": "affine", "bits": bits,
                              "group": group}]), "--quantiser", "plain")
            self.assert_same_tensors(ours, theirs)


if __name__ == "__main__":
    main()
