"""What hadal convert promises about quality, on the model that comes with it.

The bounds are the project's aims. Importance is measured on another text than
the one that is judged on; docs/quantization.md has more recipes and a second
text.
"""

from harness import NANO, hadal, main
from test_convert import ConvertTest

LIMITS = {"mlx-4bit": 0.7, "3bit": 0.5, "2bit": 0.5}


class Quality(ConvertTest):
    def measure(self, recipe, *flags):
        """(bytes, mean KL to the source)"""
        out = self.convert(recipe, *flags)
        size = sum(p.stat().st_size for p in out.glob("model*.safetensors"))
        seen = hadal("eval", "compare", NANO, out, "--json").json()
        print(recipe, *flags, size, seen["kl_mean"], flush=True)
        return size, seen["kl_mean"]

    def test_search_against_plain_and_fit_against_both(self):
        found = {}
        for recipe, limit in LIMITS.items():
            size, plain = self.measure(recipe, "--quantiser", "plain")
            found[recipe] = self.measure(recipe)
            self.assertEqual(found[recipe][0], size)
            self.assertLessEqual(found[recipe][1], limit * plain, recipe)
        for recipe in ("mlx-4bit", "2bit"):
            size = found[recipe][0]
            fitted, kl = self.measure(f"fit:{size}")
            self.assertLessEqual(fitted, size)
            best = min(k for s, k in found.values() if s <= size)
            self.assertLessEqual(kl, best, f"fit in the size of {recipe}")


if __name__ == "__main__":
    main()
