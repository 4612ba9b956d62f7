"""What hadal convert promises about quality, on the model that comes with it.

KL hangs on few positions, where two experts are nearly equally good, so it is
measured on all of the bundled text and on the short skills: other text than the
one that importance is measured on. The bounds are the project's aims.
"""

import json

from harness import NANO, hadal, main
from test_convert import ConvertTest

LIMITS = {"mlx-4bit": 0.7, "3bit": 0.5, "2bit": 0.5}
LONGEST_SKILL = 4000  # characters; the longest ones take most of the time


class Quality(ConvertTest):
    def setUp(self):
        super().setUp()
        lines = (NANO / "skills.jsonl").read_text(encoding="utf-8").splitlines()
        skills = [json.loads(line) for line in lines]
        documents = [one["prompt"] + one["answer"] for one in skills]
        self.text = self.folder / "text.txt"
        self.text.write_text(
            (NANO / "eval.txt").read_text(encoding="utf-8")
            + "".join(d for d in documents if len(d) < LONGEST_SKILL),
            encoding="utf-8")

    def measure(self, recipe, *flags):
        """(bytes, mean KL to the source)"""
        out = self.convert(recipe, *flags)
        size = sum(p.stat().st_size for p in out.glob("model*.safetensors"))
        seen = hadal("eval", "compare", NANO, out, "--text", self.text,
                     "--json").json()
        print(recipe, *flags, size, seen["kl_mean"], flush=True)
        return size, seen["kl_mean"]

    def test_search_against_plain_and_fit_against_both(self):
        found = {}
        for recipe, limit in LIMITS.items():
            size, plain = self.measure(recipe, "--quantiser", "plain")
            found[recipe] = self.measure(recipe)
            self.assertEqual(found[recipe][0], size)
            self.assertLessEqual(found[recipe][1], limit * plain, recipe)
        for recipe, (size, _) in found.items():
            fitted, kl = self.measure(f"fit:{size}")
            self.assertLessEqual(fitted, size)
            best = min(k for s, k in found.values() if s <= size)
            self.assertLessEqual(kl, best, f"fit in the size of {recipe}")


if __name__ == "__main__":
    main()
