"""hadal convert: layouts, recipes, manifest, and what it refuses."""

import json
import math
import shutil

from harness import (NANO, ProgramTest, hadal, main, read_safetensors,
                     write_safetensors)

GOLDEN = NANO / "golden.safetensors"
NAMED = ["lossless", "mlx-4bit", "mlx-8bit", "true-8bit", "mxfp4", "mxfp8",
         "bf16", "3bit", "2bit"]


def tensors(directory):
    """Name -> (dtype, shape, bytes) of all shards."""
    out = {}
    for path in sorted(directory.glob("model*.safetensors")):
        header, data = read_safetensors(path)
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                out[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return out


class ConvertTest(ProgramTest):
    def convert(self, recipe, *flags, model=NANO, out=None):
        out = out or self.folder / f"out-{len(list(self.folder.iterdir()))}"
        outcome = hadal("convert", "--model", model, "--out", out, "--recipe",
                        recipe, *flags)
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertEqual(outcome.out, "")
        return out

    def assert_same_tensors(self, one, other):
        """Equal names, types, shapes and bytes; names what differs."""
        one, other = tensors(one), tensors(other)
        self.assertEqual(sorted(one), sorted(other))
        self.assertEqual([n for n in one if one[n] != other[n]], [])

    def recipe(self, rules, **more):
        path = self.folder / "own.json"
        path.write_text(json.dumps({"recipe": "own", "rules": rules} | more))
        return path

    def refused(self, status, *parts, recipe="lossless", flags=(), model=NANO,
                out=None):
        out = out or self.folder / "refused"
        self.expect_error(
            hadal("convert", "--model", model, "--out", out, "--recipe",
                  recipe, *flags), status, *parts)


class RoundTrip(ConvertTest):
    def test_release_lossless_release(self):
        there = self.convert("lossless")
        back = self.convert("lossless", "--layout", "release", model=there)
        self.assert_same_tensors(back, NANO)
        config = json.loads((back / "config.json").read_text())
        self.assertEqual(config, json.loads((NANO / "config.json").read_text()))

    def test_lossless_runs_with_the_same_bits(self):
        there = self.convert("lossless", "--shard-size", "4MB")
        reports = [hadal("verify", GOLDEN, "--json", "--case", "story",
                         "--case", "tool", "--model", model).out
                   for model in (NANO, there)]
        self.assertIn('"pass"', reports[0])
        self.assertEqual(reports[0], reports[1])

    def test_bf16_is_lossless_too_and_a_source_like_any_other(self):
        wide = self.convert("bf16")
        outcome = hadal("eval", "compare", NANO, wide, "--precision", "exact",
                        "--json").json()
        self.assertLess(outcome["kl_mean"], 1e-9)
        plan = ["--quantiser", "plain"]
        self.assert_same_tensors(self.convert("3bit", *plan),
                                 self.convert("3bit", *plan, model=wide))

    def test_threads_and_shards_change_no_byte(self):
        one = self.convert("2bit", "--threads", "1")
        many = self.convert("2bit", "--threads", "5", "--shard-size", "1MB")
        self.assertGreater(len(list(many.glob("model*"))), 8)
        self.assert_same_tensors(one, many)


class Recipes(ConvertTest):
    def test_every_recipe_loads_and_is_as_large_as_planned(self):
        for recipe in NAMED:
            plan = hadal("convert", "--recipe", recipe, "--dry-run", "--json",
                         "--model", NANO).json()
            out = self.convert(recipe, "--quantiser", "plain")
            size = sum(p.stat().st_size for p in out.glob("model*.safetensors"))
            self.assertEqual(plan["bytes_written"], size, recipe)
            seen = hadal("inspect", "--model", out, "--json").json()
            self.assertEqual(seen["layout"], "mlx", recipe)
            check = hadal("inspect", "--check", "--model", out)
            self.assertEqual(check.status, 0, check.err)

    def test_small_tensors_stay(self):
        source = tensors(NANO)
        for recipe in ("2bit", "mxfp4", "true-8bit"):
            out = tensors(self.convert(recipe, "--quantiser", "plain"))
            for name, theirs in {
                    "layers.3.attn.attn_sink": "attn.attn_sink",
                    "layers.3.attn.compressor.ape": "attn.compressor.ape",
                    "layers.3.hc_attn_fn": "attn_hc.fn",
                    "layers.3.ffn.gate.weight": "ffn.gate.weight",
                    "layers.3.ffn.gate.bias":
                        "ffn.gate.e_score_correction_bias",
                    "layers.3.attn_norm.weight": "attn_norm.weight"}.items():
                self.assertEqual(out["model.layers.3." + theirs], source[name],
                                 name)

    def test_own_recipe_first_match_wins(self):
        recipe = self.recipe([
            {"match": "layers.0.*", "format": "bf16"},
            {"match": "*.ffn.experts.*", "format": "affine", "bits": 5,
             "group": 32},
            {"match": "lm_head", "format": "mxfp8"}])
        out = self.convert(recipe)
        block = json.loads((out / "config.json").read_text())["quantization"]
        self.assertEqual(block["model.layers.1.ffn.switch_mlp.up_proj"],
                         {"group_size": 32, "bits": 5, "mode": "affine"})
        self.assertEqual(block["lm_head"]["mode"], "mxfp8")
        self.assertNotIn("model.layers.0.ffn.switch_mlp.up_proj", block)
        found = tensors(out)
        self.assertEqual(found["model.layers.0.attn.wq_a.weight"][0], "BF16")
        self.assertEqual(found["model.embed_tokens.weight"][0], "BF16")

    def test_experts_in_mixed_formats(self):
        """w1 and w3 affine, w2 mxfp8: no integer form suits all three, so the
        experts run in float32, to the bit as with their numbers widened."""
        mixed = self.convert(self.recipe([
            {"match": "*.ffn.experts.*.w2", "format": "mxfp8"},
            {"match": "*.ffn.experts.*", "format": "affine", "bits": 4}]))
        wide = self.convert(self.recipe(
            [{"match": "*.ffn.experts.*", "format": "f32"}]), model=mixed)
        text = self.folder / "text.txt"
        text.write_text("<｜begin▁of▁sentence｜><｜User｜>Tell me a story about a "
                        "fox named Nina.<｜Assistant｜></think>In a small meadow "
                        "there lived a fox called Nina.", encoding="utf-8")
        seen = hadal("eval", "compare", mixed, wide, "--text", text, "--json")
        self.assertEqual(seen.status, 0, seen.err)
        self.assertEqual(seen.json()["kl_max"], 0)
        self.assertEqual(seen.json()["top1_agreement"], 1)
        # And with the source it is another model, but one that still answers.
        seen = hadal("eval", "compare", NANO, mixed, "--text", text, "--json")
        self.assertGreater(seen.json()["kl_mean"], 0)
        answer = hadal("generate", "--model", mixed, "--temperature", "0",
                       "--prompt", "What is the capital of Norway?")
        self.assertEqual(answer.status, 0, answer.err)
        self.assertIn("Oslo", answer.out)

    def test_dry_run_says_what_is_rounded_again(self):
        text = hadal("convert", "--recipe", "mlx-4bit", "--dry-run", "--model",
                     NANO).out
        rows = {line[:22].strip(): line for line in text.splitlines()}
        self.assertIn("rounded again", rows["attention"])
        self.assertNotIn("rounded again", rows["routed experts"])
        for part in ("tokens/s", "400 GB/s", "disk:", "bits"):
            self.assertIn(part, text)


class Refusals(ConvertTest):
    def test_recipes_that_make_no_sense(self):
        self.refused(2, "no recipe", "mlx-4bit", recipe="4bit")
        for rule, parts in (
                ({"match": "nothing.*", "format": "bf16"}, ["matches no tensor"]),
                ({"match": "*.attn_sink", "format": "bf16"}, ["stay as they are"]),
                ({"match": "*", "format": "affine", "bits": 7},
                 ["rules[0].bits", "found 7"]),
                ({"match": "*", "format": "affine", "bits": 4, "group": 48},
                 ["rules[0].group", "found 48"]),
                ({"match": "*", "format": "affine"}, ["rules[0].bits"]),
                ({"match": "*", "format": "int4"}, ["rules[0].format", "int4"]),
                ({"match": "*", "format": "bf16", "bits": 4}, ["bits"]),
                ({"match": "*", "formt": "bf16"}, ["formt"])):
            self.refused(2, *parts, recipe=self.recipe([rule]))

    def test_group_that_does_not_divide(self):
        model = NANO.parent.parent / "tests" / "data" / "oracle" / "tiny"
        self.refused(2, "does not divide", model=model, recipe=self.recipe(
            [{"match": "*", "format": "affine", "bits": 4, "group": 128}]))

    def test_a_second_rounding(self):
        once = self.convert("3bit", "--quantiser", "plain")
        self.refused(2, "--requantize", "both errors add up", model=once,
                     recipe="2bit")
        twice = self.convert("2bit", "--requantize", model=once)
        self.assertTrue((twice / "config.json").exists())
        # The release's own numbers in another layout are no rounding.
        relaid = self.convert("lossless")
        self.convert("2bit", model=relaid)
        # What was rounded to mxfp4 is remembered.
        rounded = self.convert("mxfp4")
        self.refused(2, "--requantize", model=rounded, recipe="2bit")

    def test_directories(self):
        model = self.copy_of_nano()
        self.refused(2, "is the source itself", model=model, out=model)
        full = self.folder / "full"
        full.mkdir()
        (full / "notes.txt").write_text("mine")
        self.refused(2, "is not empty", out=full)
        out = self.convert("2bit", "--quantiser", "plain")
        self.refused(2, "output of another conversion", recipe="3bit", out=out)
        again = hadal("convert", "--model", NANO, "--out", out, "--recipe",
                      "2bit", "--quantiser", "plain")
        self.assertEqual(again.status, 0)
        self.assertIn("nothing to do", again.err)

    def damage(self, name, offset, raw):
        model = self.copy_of_nano()
        for path in model.glob("model-*.safetensors"):
            header, data = read_safetensors(path)
            if name in header:
                begin = header[name]["data_offsets"][0] + offset
                data = data[:begin] + raw + data[begin + len(raw):]
                write_safetensors(path, header, data)
        return model

    def test_weights_that_are_no_numbers(self):
        for name, offset, raw, place in (
                ("layers.2.attn.wq_a.weight", 3 * 384 + 17, b"\x7f", "[3, 17]"),
                ("head.weight", 2 * (5 * 384 + 9), b"\x80\xff", "[5, 9]"),
                ("layers.1.attn_norm.weight", 8, b"\xc0\x7f", "[0, 4]")):
            model = self.damage(name, offset, raw)
            for recipe in ("lossless", "true-8bit"):
                out = self.folder / "damaged"
                self.refused(1, name.removesuffix(".weight"), place,
                             "NaN or infinite", model=model, recipe=recipe,
                             out=out)
                self.assertFalse((out / "config.json").exists())
                shutil.rmtree(out)
            shutil.rmtree(model)

    def test_options(self):
        self.refused(2, "size", flags=("--shard-size", "five"))
        self.refused(2, "quantiser", flags=("--quantiser", "best"))
        self.expect_error(hadal("convert", "--recipe", "2bit"), 2, "--out")
        other = self.folder / "other.safetensors"
        write_safetensors(other, {}, b"")
        self.refused(1, "no importance file", flags=("--importance", other))


class Check(ConvertTest):
    def test_every_kind_of_damage_is_found(self):
        whole = self.convert("mlx-4bit", "--quantiser", "plain",
                             "--shard-size", "4MB")
        self.assertEqual(hadal("inspect", "--check", "--model", whole).status, 0)
        shard = sorted(whole.glob("model-*"))[1]

        def flip(path):
            raw = bytearray(path.read_bytes())
            raw[-5] ^= 1
            path.write_bytes(raw)

        for damage, part in (
                (lambda d: flip(d / shard.name), "other bytes"),
                (lambda d: (d / shard.name).unlink(), shard.name),
                (lambda d: flip(d / "tokenizer.json"), "tokenizer.json"),
                (lambda d: (d / "config.json").write_text("{}"),
                 "config.json")):
            copy = self.folder / "copy"
            shutil.copytree(whole, copy)
            damage(copy)
            outcome = hadal("inspect", "--check", "--model", copy)
            self.assertEqual(outcome.status, 1)
            self.assertIn(part, outcome.out + outcome.err)
            shutil.rmtree(copy)
        self.expect_error(hadal("inspect", "--check", "--model", NANO), 1,
                          "hadal-manifest.json")


class Eval(ConvertTest):
    TEXT = ("<｜begin▁of▁sentence｜><｜User｜>What is 5 + 90?<｜Assistant｜>"
            "</think>5 + 90 = 95.<｜end▁of▁sentence｜>")

    def setUp(self):
        super().setUp()
        self.text = self.folder / "text.txt"
        self.text.write_text(self.TEXT * 3, encoding="utf-8")

    def test_perplexity(self):
        seen = hadal("eval", "perplexity", self.text, "--json").json()
        # The question may be anything, its answer not: the ten tokens of the
        # answer cost next to nothing, the others at most a guess among 4,224.
        self.assertLess(seen["perplexity"], 4224 ** (11 / 21))
        # Two digits of the wrong sum are given less than one in 1,000 each.
        wrong = self.folder / "wrong.txt"
        wrong.write_text(self.TEXT.replace("= 95", "= 17"), encoding="utf-8")
        other = hadal("eval", "perplexity", wrong, "--json").json()
        self.assertGreater(
            other["mean_loss"] * other["tokens"]
            - seen["mean_loss"] * seen["tokens"] / 3, 2 * math.log(1000))
        ids = hadal("tokenize", "--json", self.TEXT).json()["ids"]
        # Three documents, in each of which all but the first is predicted.
        self.assertEqual(seen["tokens"], 3 * (len(ids) - 1))
        whole = hadal("eval", "perplexity", self.text, "--json", "--window",
                      "7").json()
        self.assertGreater(whole["perplexity"], seen["perplexity"])

    def test_compare(self):
        same = hadal("eval", "compare", NANO, NANO, "--text", self.text,
                     "--json").json()
        self.assertEqual((same["kl_mean"], same["kl_max"]), (0, 0))
        self.assertEqual(same["top1_agreement"], 1)
        out = self.convert("2bit")
        other = hadal("eval", "compare", NANO, out, "--text", self.text,
                      "--json").json()
        self.assertGreater(other["kl_mean"], 0)
        self.assertLessEqual(other["kl_median"], other["kl_p99"])
        self.assertLessEqual(other["kl_p99"], other["kl_max"])

    def test_importance(self):
        path = self.folder / "importance.safetensors"
        outcome = hadal("eval", "importance", "--text", self.text, "--out", path)
        self.assertEqual(outcome.status, 0, outcome.err)
        header, _ = read_safetensors(path)
        self.assertEqual(header["layers.3.ffn.experts.5.w2"]["shape"], [128])
        self.assertEqual(header["layers.3.ffn.experts.use"]["shape"], [16])
        self.assertEqual(header["head"]["shape"], [384])
        weighted = self.convert("2bit", "--importance", path)
        plain = self.convert("2bit")
        self.assertNotEqual(tensors(weighted)["lm_head.weight"],
                            tensors(plain)["lm_head.weight"])
        # Another model's channels have no place here.
        tiny = NANO.parent.parent / "tests" / "data" / "oracle" / "tiny"
        self.refused(2, "another model", model=tiny, recipe="bf16",
                     flags=("--importance", path))

    def test_refusals(self):
        self.expect_error(hadal("eval", "compare", NANO), 2, "two models")
        self.expect_error(hadal("eval", "importance"), 2, "--out")
        self.text.write_text("")
        self.expect_error(hadal("eval", "perplexity", self.text), 2,
                          "no text to measure on")


class Fit(ConvertTest):
    def size(self, directory):
        return sum(p.stat().st_size for p in directory.glob("model*"))

    def test_within_the_size_and_loads(self):
        for size in (12_500_000, 16_000_000, 25_000_000):
            out = self.convert(f"fit:{size}", "--quantiser", "plain")
            self.assertLessEqual(self.size(out), size)
            self.assertGreater(self.size(out), 0.85 * size)
            seen = hadal("eval", "perplexity", "--model", out, "--json")
            self.assertEqual(seen.status, 0, seen.err)

    def test_what_cannot_fit(self):
        self.refused(2, "too small", recipe="fit:5MB")
        self.refused(2, "size", recipe="fit:large")


class Card(ConvertTest):
    def test_measured(self):
        out = self.convert("mlx-4bit", "--measure")
        card = (out / "README.md").read_text()
        for part in ("recipe mlx-4bit", "rounded again", "affine 4 bit g64",
                     "fingerprint", "KL mean", "| all |"):
            self.assertIn(part, card)


if __name__ == "__main__":
    main()
