"""The recorded logits of models/nano, in every setting that has a column."""

import json

from harness import (NANO, ProgramTest, hadal, main, read_safetensors,
                     write_safetensors)

GOLDEN = NANO / "golden.safetensors"
CASES = ["japanese", "needle", "needle_long", "short", "story", "tool"]


class Verify(ProgramTest):
    def replay(self, *flags, status=0):
        outcome = hadal("verify", GOLDEN, "--json", *flags)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        report = outcome.json()
        self.assertEqual(report["pass"], status == 0)
        self.assertEqual([c["name"] for c in report["cases"]], CASES)
        return {c["name"]: c for c in report["cases"]}

    def test_exact(self):
        cases = self.replay("--precision", "exact")
        for case in cases.values():
            self.assertEqual(case["column"], "f32")
            self.assertLessEqual(case["kl_mean"], 1e-5)
            self.assertLessEqual(case["kl_max"], 1e-3)
            self.assertLessEqual(case["decode_kl_mean"], 1e-5)
            self.assertIs(case["greedy_equal"], True)
            self.assertIsNone(case["first_difference"])
        self.assertEqual(len(cases["tool"]["trace_errors"]), 7)
        self.assertLess(max(cases["tool"]["trace_errors"]), 1e-3)

    def test_default_precision_within_the_official_noise(self):
        for case in self.replay().values():
            self.assertLessEqual(case["kl_mean"], case["kl_bar"])

    def test_unrounded(self):
        cases = self.replay("--precision", "exact", "--kv-fp8", "off",
                            "--index-fp4", "off")
        for case in cases.values():
            self.assertEqual(case["column"], "f32_unrounded")
            self.assertLessEqual(case["kl_mean"], 1e-9)

    def test_random_checkpoints_of_other_shapes(self):
        """Made by tools/oracle: numpy for f32, transformers for unrounded."""
        oracle = NANO.parent.parent / "tests" / "data" / "oracle"
        for name in ("tiny", "tiny_hca"):
            for switches in ((), ("--kv-fp8", "off", "--index-fp4", "off")):
                outcome = hadal("verify", oracle / name / "golden.safetensors",
                                "--model", oracle / name, "--json",
                                "--precision", "exact", *switches)
                self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
                for case in outcome.json()["cases"]:
                    self.assertEqual(
                        case["column"],
                        "f32_unrounded" if switches else "f32")
                    self.assertLessEqual(case["kl_mean"], 1e-9)

    def test_next_token_module(self):
        """Made by tools/oracle: the module's logits beside nano's prompts."""
        path = (NANO.parent.parent / "tests" / "data" / "oracle" /
                "nano_mtp.safetensors")
        outcome = hadal("verify", path, "--json", "--precision", "exact")
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        cases = outcome.json()["cases"]
        self.assertEqual([c["name"] for c in cases], ["story", "tool"])
        for case in cases:
            # Below 1e-11, but where a cached value lies on the edge between
            # two FP8 codes and falls to the other side.
            self.assertLessEqual(case["mtp_kl_mean"], 1e-8)
            self.assertLessEqual(case["mtp_kl_max"], 1e-6)
            # The trunk's logits stand in nano's own golden file.
            self.assertIsNone(case["kl_mean"])
        # 100 as a logit of the module's second row.
        header, data = read_safetensors(path)
        at = header["story.mtp_logits.f32"]["data_offsets"][0] + (4224 + 9) * 4
        damaged = self.folder / "golden.safetensors"
        write_safetensors(damaged, header,
                          data[:at] + b"\x00\x00\xc8\x42" + data[at + 4:])
        outcome = hadal("verify", damaged, "--json", "--precision", "exact",
                        "--case", "story")
        self.assertEqual(outcome.status, 1, outcome.out + outcome.err)
        self.assertGreater(outcome.json()["cases"][0]["mtp_kl_max"], 1)

    def test_reference_kernels(self):
        outcome = hadal("verify", GOLDEN, "--json", "--precision", "exact",
                        "--reference", "--case", "tool", "--case", "short")
        self.assertEqual(outcome.status, 0, outcome.out)
        self.assertEqual(len(outcome.json()["cases"]), 2)

    def test_the_official_roundings_of_products_are_beyond_the_bar(self):
        outcome = hadal("verify", GOLDEN, "--json", "--gemm-fp8", "on",
                        "--case", "story")
        self.assertEqual(outcome.status, 1)
        self.assertIs(outcome.json()["pass"], False)

    def test_finds_a_changed_logit_and_a_changed_token(self):
        header, data = read_safetensors(GOLDEN)

        def damaged(name, at, value):
            begin = header[name]["data_offsets"][0] + at
            path = self.folder / "golden.safetensors"
            write_safetensors(
                path, header, data[:begin] + value + data[begin + len(value):])
            outcome = hadal("verify", path, "--precision", "exact", "--case",
                            "short", "--json")
            self.assertEqual(outcome.status, 1)
            return outcome.json()["cases"][0]
        # 100 as a logit of the third position; 7 as the fifth greedy token.
        logit = damaged("short.logits.f32", (2 * 4224 + 99) * 4,
                        b"\x00\x00\xc8\x42")
        self.assertGreater(logit["kl_max"], 1)
        token = damaged("short.greedy.f32", 4 * 4, b"\x07\x00\x00\x00")
        self.assertIs(token["greedy_equal"], False)
        self.assertEqual(token["first_difference"], 4)

    def test_only_some_columns(self):
        header, data = read_safetensors(GOLDEN)
        kept = {n: t for n, t in header.items()
                if n in ("short.ids", "short.positions", "short.logits.f32")}
        # Offsets must have no holes: move the kept tensors together.
        joined = b""
        for name, tensor in kept.items():
            begin, end = tensor["data_offsets"]
            tensor["data_offsets"] = [len(joined), len(joined) + end - begin]
            joined += data[begin:end]
        path = self.folder / "golden.safetensors"
        write_safetensors(path, kept, joined)
        for flags, status in ((["--precision", "exact"], 0), ([], 0)):
            outcome = hadal("verify", path, "--json", *flags)
            self.assertEqual(outcome.status, status, outcome.err)
            case = json.loads(outcome.out)["cases"][0]
            self.assertIsNone(case["greedy_equal"])
            self.assertIsNone(case["decode_kl_mean"])
        self.expect_error(
            hadal("verify", path, "--kv-fp8", "off", "--index-fp4", "off"), 2,
            "f32_unrounded")
        self.expect_error(
            hadal("verify", path, "--case", "tall"), 2, "tall")


if __name__ == "__main__":
    main()
