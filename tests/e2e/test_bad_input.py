"""Damaged files and requests that cannot be met: one clear line, no crash."""

import json
import os
import shutil
import struct

from harness import (NANO, PROGRAM, ProgramTest, hadal, main, read_safetensors,
                     write_safetensors)

SHARD = "model-00001-of-00002.safetensors"


class BadCheckpoint(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.copy_of_nano()
        self.shard = self.model / SHARD

    def expect(self, *parts):
        """Both who loads and who only looks refuse it, with the same words."""
        self.expect_error(
            hadal("generate", "-p", "x", "--model", self.model), 1, *parts)

    def change_config(self, change):
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        change(config)
        path.write_text(json.dumps(config))

    def change_header(self, change):
        header, data = read_safetensors(self.shard)
        write_safetensors(self.shard, change(header) or header, data)

    def test_truncated(self):
        raw = self.shard.read_bytes()
        for size in (0, 4, 100, len(raw) - 1):
            self.shard.write_bytes(raw[:size])
            self.expect(SHARD)

    def test_a_header_of_100_mb(self):
        self.shard.write_bytes(struct.pack("<Q", 100_000_001) + b"{")
        self.expect(SHARD, "100")

    def test_wrong_offsets(self):
        def overlap(header):
            name = next(n for n in header if n != "__metadata__")
            begin, end = header[name]["data_offsets"]
            header[name]["data_offsets"] = [begin + 1, end + 1]
        self.change_header(overlap)
        self.expect(SHARD)

    def test_no_json(self):
        self.shard.write_bytes(struct.pack("<Q", 3) + b"{x}")
        self.expect(SHARD)

    def test_missing_shard(self):
        self.shard.unlink()
        self.expect(SHARD)

    def test_missing_tensor(self):
        index_path = self.model / "model.safetensors.index.json"
        index = json.loads(index_path.read_text())
        gone = next(n for n, f in index["weight_map"].items() if f == SHARD)
        del index["weight_map"][gone]
        index_path.write_text(json.dumps(index))
        self.expect(gone)

    def test_wrong_shape_and_dtype(self):
        def reshape(header):
            header["embed.weight"]["shape"].reverse()
        header, _ = read_safetensors(self.shard)
        if "embed.weight" in header:
            self.change_header(reshape)
            self.expect("embed.weight", "[384, 4224]", "4224")

    def test_nan_scale(self):
        header, data = read_safetensors(self.shard)
        name = next(n for n, t in header.items()
                    if n != "__metadata__" and t["dtype"] == "F8_E8M0")
        begin = header[name]["data_offsets"][0]
        damaged = data[:begin] + b"\xff" + data[begin + 1:]
        write_safetensors(self.shard, header, damaged)
        self.expect(name, "NaN")

    def test_config(self):
        original = (self.model / "config.json").read_text()

        def without(key):
            return lambda config: config.pop(key)

        def with_value(key, value):
            return lambda config: config.update({key: value})
        cases = [
            (without("compress_ratios"), ["compress_ratios"]),
            (without("hidden_size"), ["hidden_size"]),
            (with_value("compress_ratios", [0, 0, 4, 64, 4, 128, 4, 0]),
             ["compress_ratios", "64"]),
            (with_value("model_type", "deepseek_v41"), ["deepseek_v41"]),
            (with_value("model_type", "llama"), ["llama"]),
            (with_value("hidden_size", "wide"), ["hidden_size", "wide"]),
            (with_value("hidden_size", 512), ["512"]),
            (with_value("vocab_size", 4225), ["4225"]),
        ]
        for change, parts in cases:
            with self.subTest(parts):
                (self.model / "config.json").write_text(original)
                self.change_config(change)
                self.expect(*parts)

    def test_config_that_is_none(self):
        for text in ("", "{", "[]", "\xff"):
            (self.model / "config.json").write_text(text, "latin-1")
            self.expect("config.json")
        (self.model / "config.json").unlink()
        self.expect("config.json")

    def test_tokenizer(self):
        path = self.model / "tokenizer.json"
        original = json.loads(path.read_text())

        def patterns(tokenizer):
            for part in tokenizer["pre_tokenizer"]["pretokenizers"]:
                if part["type"] == "Split":
                    part["pattern"] = {"Regex": "[a-z]+"}

        def fewer(tokenizer):
            tokenizer["added_tokens"].pop()
        for change in (patterns, fewer):
            tokenizer = json.loads(json.dumps(original))
            change(tokenizer)
            path.write_text(json.dumps(tokenizer))
            self.expect("tokenizer.json")
        path.write_text("{")
        self.expect("tokenizer.json")
        path.unlink()
        self.expect("tokenizer.json")

    def test_generation_config(self):
        path = self.model / "generation_config.json"
        for text in ("{", "[]", "{\"temperature\": \"hot\"}",
                     "{\"top_p\": 2}", "{\"do_sample\": 1}"):
            path.write_text(text)
            self.expect("generation_config.json")

    def test_unreadable_shard(self):
        self.shard.chmod(0)
        if os.geteuid() != 0:
            self.expect(SHARD, "Permission denied")
            return
        # Root reads every file, so the program runs as nobody, who may not
        # come to where it was built.
        program = shutil.copy2(PROGRAM, self.folder)
        self.folder.chmod(0o755)
        self.expect_error(
            hadal("generate", "-p", "x", "--model", self.model,
                  program=program, user=65534, group=65534, extra_groups=[]),
            1, SHARD, "Permission denied")

    def test_a_folder_in_place_of_a_shard(self):
        self.shard.unlink()
        self.shard.mkdir()
        self.expect(SHARD, "directory")

    def test_inspect_says_the_same(self):
        self.shard.write_bytes(b"")
        self.expect_error(hadal("inspect", "--model", self.model), 1, SHARD)


class BadRequest(ProgramTest):
    def test_no_such_model(self):
        self.expect_error(
            hadal("generate", "-p", "x", "--model", "/nowhere/at/all"), 1,
            "/nowhere/at/all")

    def test_prompt_longer_than_the_context(self):
        self.expect_error(
            hadal("generate", "-p", "word " * 200, "--context", "100"), 1,
            "context", "100")

    def test_context_larger_than_the_model(self):
        self.expect_error(
            hadal("generate", "-p", "x", "--context", "2000000"), 2,
            "context", "2000000", "1048576")

    def test_context_larger_than_memory(self):
        config = json.loads((NANO / "config.json").read_text())
        config["max_position_embeddings"] = 1 << 32
        model = self.copy_of_nano()
        (model / "config.json").write_text(json.dumps(config))
        self.expect_error(
            hadal("generate", "-p", "x", "--model", model, "--context",
                  1 << 32), 1, "context", "memory")

    def test_empty_prompts(self):
        empty = self.folder / "empty"
        empty.touch()
        self.expect_error(hadal("generate", "-p", ""), 2, "empty")
        self.expect_error(hadal("generate", "-f", empty), 2, "empty")
        self.expect_error(hadal("generate", stdin=""), 2, "empty")

    def test_invalid_utf8(self):
        bad = self.folder / "bad"
        bad.write_bytes(b"caf\xe9")
        self.expect_error(
            hadal("generate", "-f", bad), 2, bad, "byte 3", "0xe9", "UTF-8")
        self.expect_error(hadal("tokenize", "-f", bad), 2, "UTF-8")
        self.expect_error(hadal("generate", stdin=b"\xc3"), 2, "UTF-8")

    def test_unreadable_files(self):
        for verb in (["generate", "-f"], ["tokenize", "-f"], ["verify"],
                     ["chat", "--load"], ["generate", "-p", "x", "--tools"]):
            missing = hadal(*verb, "/nowhere/file")
            self.expect_error(missing, 1, "/nowhere/file", "No such file")
            folder = hadal(*verb, self.folder)
            self.expect_error(folder, 1, self.folder, "directory")

    def test_tools_that_are_none(self):
        file = self.folder / "tools.json"
        for text in ("{", "{}", "[1]"):
            file.write_text(text)
            self.expect_error(
                hadal("generate", "-p", "x", "--tools", file), 2, "tools")

    def test_golden_files(self):
        golden = self.folder / "golden.safetensors"
        golden.write_bytes(b"no golden")
        self.expect_error(hadal("verify", golden), 1, golden)
        ids = struct.pack("<2i", 0, 999999)
        write_safetensors(golden, {"a.ids": {
            "dtype": "I32", "shape": [2], "data_offsets": [0, 8]}}, ids)
        self.expect_error(hadal("verify", golden), 1, "a.ids", "999999")
        write_safetensors(golden, {"a.ids": {
            "dtype": "I32", "shape": [2], "data_offsets": [0, 8]}},
            struct.pack("<2i", 0, 5))
        self.expect_error(hadal("verify", golden, "--json"), 2, "a", "f32")


if __name__ == "__main__":
    main()
