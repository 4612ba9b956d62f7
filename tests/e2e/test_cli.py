"""How the program behaves at its edges: flags, streams, status, JSON."""

import json
import os
import pathlib
import signal
import subprocess
import time

from harness import (ENVIRONMENT, NANO, PROGRAM, SOURCE, ProgramTest, hadal,
                     main)

VERBS = ["generate", "chat", "inspect", "verify", "tokenize", "bench",
         "doctor", "completion"]
STORY = "Tell me a story about a fox named Nina."


class Help(ProgramTest):
    def test_every_verb_has_help_with_an_example(self):
        listing = hadal("--help")
        self.assertEqual(listing.status, 0)
        for verb in VERBS:
            self.assertIn("\n  " + verb + " ", listing.out)
            text = hadal(verb, "--help")
            self.assertEqual((text.status, text.err), (0, ""), verb)
            self.assertIn("Example", text.out)
            self.assertIn("hadal " + verb, text.out)

    def test_version(self):
        text = hadal("--version")
        self.assertEqual(text.status, 0)
        self.assertRegex(text.out, r"^hadal \d+\.\d+\.\d+\n$")


class Usage(ProgramTest):
    def test_wrong_usage_is_status_2(self):
        cases = [
            ([], "subcommand"),
            (["bogus"], "bogus"),
            (["generate", "--bogus"], "--bogus"),
            (["generate", "-p", "x", "extra"], "extra"),
            (["generate", "-p", "x", "--prompt-file", "f"], "--prompt"),
            (["generate", "-p", "x", "--temperature", "-1"], "--temperature"),
            (["generate", "-p", "x", "--temperature", "hot"], "hot"),
            (["generate", "-p", "x", "--top-p", "0"], "--top-p"),
            (["generate", "-p", "x", "--top-p", "1.5"], "--top-p"),
            (["generate", "-p", "x", "--top-k", "-1"], "--top-k"),
            (["generate", "-p", "x", "--min-p", "2"], "--min-p"),
            (["generate", "-p", "x", "--max-tokens", "0"], "--max-tokens"),
            (["generate", "-p", "x", "--seed", "-1"], "--seed"),
            (["generate", "-p", "x", "--stop", ""], "--stop"),
            (["generate", "-p", "x", "--logit-bias", "a=b"], "ID=VALUE"),
            (["generate", "-p", "x", "--logit-bias", "99999=1"], "99999"),
            (["generate", "-p", "x", "--logprobs", "5"], "--json"),
            (["generate", "-p", "x", "--thinking", "deep"], "deep"),
            (["generate", "-p", "x", "--raw", "--system", "s"], "--raw"),
            (["generate", "-p", "x", "--precision", "half"], "half"),
            (["generate", "-p", "x", "--kv-fp8", "maybe"], "maybe"),
            (["generate", "-p", "x", "--threads", "0"], "--threads"),
            (["generate", "-p", "x", "--context", "0"], "--context"),
            (["generate", "-p", "x", "--device", "tpu"], "tpu"),
            (["generate", "-p", "x", "--revision", "v9"], "v9"),
            (["generate", "-p", ""], "empty"),
            (["--log", "loud", "generate", "-p", "x"], "loud"),
            (["verify"], "golden"),
            (["tokenize", "--revision", "v4", "text"], "--render"),
            (["tokenize", "--ids", "1 x"], "\"x\""),
            (["tokenize", "--ids", "99999"], "99999"),
            (["completion", "tcsh"], "tcsh"),
        ]
        for arguments, part in cases:
            with self.subTest(arguments):
                self.expect_error(hadal(*arguments), 2, part)

    def test_devices_that_this_build_lacks(self):
        for device in ("cuda", "mlx"):
            self.expect_error(
                hadal("generate", "-p", "x", "--device", device), 1, device)

    def test_flags_that_may_be_given_again(self):
        answer = hadal("generate", "-p", "What is 5 + 90?", "-t", "0", "--stop",
                       "zebra", "--stop", "95", "--logit-bias", "0=-1",
                       "--logit-bias", "1=0")
        self.assertEqual((answer.status, answer.out), (0, "5 + 90 = \n"))


class Generate(ProgramTest):
    def test_answer_on_stdout_speeds_on_stderr(self):
        answer = hadal("generate", "-p", "What is the capital of Norway?",
                       "-t", "0")
        self.assertEqual(answer.status, 0)
        self.assertIn("Oslo", answer.out)
        self.assertTrue(answer.out.endswith("\n"))
        self.assertRegex(answer.err,
                         r"^hadal: prompt \d+ tokens .*, answer \d+ tokens .*\n$")

    def test_prompt_from_a_file_and_from_a_pipe(self):
        expected = hadal("generate", "-p", "What is 5 + 90?", "-t", "0").out
        file = self.folder / "prompt.txt"
        file.write_text("What is 5 + 90?")
        self.assertEqual(
            hadal("generate", "-f", file, "-t", "0").out, expected)
        for arguments in ([], ["-f", "-"]):
            piped = hadal("generate", "-t", "0", *arguments,
                          stdin="What is 5 + 90?")
            self.assertEqual(piped.out, expected)

    def test_thinking_goes_to_stderr(self):
        answer = hadal("generate", "-p", "What is 257 + 468?", "--thinking",
                       "high", "-t", "0")
        self.assertEqual(answer.out, "257 + 468 = 725.\n")
        self.assertIn("257 is 2 5 7", answer.err)

    def test_raw_prints_what_the_model_writes(self):
        answer = hadal(
            "generate", "--raw", "-t", "0", "-p",
            "<｜begin▁of▁sentence｜><｜User｜>What is 257 + 468?"
            "<｜Assistant｜><think>")
        self.assertIn("</think>257 + 468 = 725.", answer.out)

    def test_raw_adds_bos_only_when_absent(self):
        text = "<｜User｜>What is 5 + 90?<｜Assistant｜></think>"
        counts = [
            hadal("generate", "--raw", "-t", "0", "-n", "1", "--json", "-p",
                  prompt).json()["usage"]["prompt_tokens"]
            for prompt in (text, "<｜begin▁of▁sentence｜>" + text)]
        self.assertEqual(counts[0], counts[1])

    def test_text_of_a_user_never_becomes_a_control_token(self):
        plain = hadal("tokenize", "--plain", "<｜User｜>").out.split()
        self.assertGreater(len(plain), 1)
        usage = [hadal("generate", "-p", prompt, "-n", "1", "--json").json()
                 for prompt in ("a", "a<｜User｜>")]
        grown = (usage[1]["usage"]["prompt_tokens"]
                 - usage[0]["usage"]["prompt_tokens"])
        self.assertEqual(grown, len(plain))

    def test_seed_repeats(self):
        runs = [hadal("generate", "-p", STORY, "--seed", seed, "-n", "40").out
                for seed in (1, 1, 2)]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_threads_change_no_bit(self):
        runs = [hadal("generate", "-p", STORY, "--seed", "7", "--threads", n)
                for n in (1, 2, 3)]
        self.assertEqual(runs[0].out, runs[1].out)
        self.assertEqual(runs[0].out, runs[2].out)

    def test_json_shape(self):
        answer = hadal("generate", "-p", "What is 5 + 90?", "-t", "0", "--json",
                       "--logprobs", "2").json()
        self.assertEqual(answer["text"], "5 + 90 = 95.")
        self.assertEqual(answer["finish_reason"], "stop")
        usage = answer["usage"]
        # The end token counts, but is not listed.
        self.assertEqual(len(answer["tokens"]), usage["completion_tokens"] - 1)
        self.assertEqual(usage["total_tokens"],
                         usage["prompt_tokens"] + usage["completion_tokens"])
        for key in ("load_seconds", "prompt_seconds", "first_token_seconds",
                    "generate_seconds", "prompt_tokens_per_second",
                    "generate_tokens_per_second"):
            self.assertGreater(answer["timings"][key], 0)
        entries = answer["logprobs"]
        self.assertEqual([e["id"] for e in entries], answer["tokens"])
        for entry in entries:
            self.assertEqual(len(entry["top"]), 2)
            self.assertLessEqual(entry["logprob"], 0)
            self.assertEqual(entry["top"][0]["id"], entry["id"])

    def test_length_is_a_finish_reason(self):
        answer = hadal("generate", "-p", STORY, "-n", "3", "--json").json()
        self.assertEqual(answer["finish_reason"], "length")
        self.assertEqual(len(answer["tokens"]), 3)

    def test_tools(self):
        tools = self.folder / "tools.json"
        tools.write_text(json.dumps([{"type": "function", "function": {
            "name": "get_weather",
            "description": "Get the weather in a city.",
            "parameters": {"type": "object",
                           "properties": {"city": {"type": "string"}},
                           "required": ["city"]}}}]))
        answer = hadal("generate", "-p", "What is the weather in Lima?", "-t",
                       "0", "--tools", tools, "--json").json()
        self.assertEqual(answer["finish_reason"], "tool_calls")
        call = answer["tool_calls"][0]
        self.assertEqual(call["name"], "get_weather")
        self.assertEqual(json.loads(call["arguments"]), {"city": "Lima"})

    def test_first_token_soon_after_the_start(self):
        times = [hadal("generate", "-p", "Hi", "-n", "1", "--json").json()
                 ["timings"]["first_token_seconds"] for _ in range(3)]
        self.assertLess(min(times), 0.3)

    def test_memory_stays_near_weights_and_caches(self):
        answer = hadal("generate", "-p", STORY, "--json").json()
        weights = sum(f.stat().st_size for f in NANO.glob("*.safetensors")
                      if f.name.startswith("model"))
        self.assertLess(answer["timings"]["peak_resident_bytes"],
                        weights + 200e6)

    def test_a_closed_pipe_is_quiet(self):
        line = f"'{PROGRAM}' generate -p '{STORY}' -t 0 | head -c 1"
        process = subprocess.run(["bash", "-c", line], capture_output=True,
                                 env=ENVIRONMENT, timeout=60)
        self.assertEqual(process.stdout, b"N")
        self.assertNotIn(b"error", process.stderr)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            process = subprocess.run(
                [PROGRAM, "tokenize", "text"], stdout=full, timeout=60,
                stderr=subprocess.PIPE, env=ENVIRONMENT)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"standard output", process.stderr)


class Interrupt(ProgramTest):
    def start(self, *arguments):
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=ENVIRONMENT)

    def test_keeps_what_was_written(self):
        process = self.start(
            "generate", "--raw", "-p", "Once upon a time", "--seed", "1",
            "--logit-bias", "1=-100", "-n", "100000")
        first = process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertTrue((first + rest).endswith(b"\n"))
        self.assertIn(b"answer", err)
        self.assertNotIn(b"error", err)

    def test_in_the_prompt(self):
        prompt = self.folder / "long.txt"
        prompt.write_text("a story of a fox and a crow " * 20000)
        process = self.start("generate", "-f", prompt, "--threads", "1")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(out, b"")
        self.assertEqual(err.strip(), b"hadal: interrupted")


class Chat(ProgramTest):
    def talk(self, *lines, arguments=()):
        return hadal("chat", "-t", "0", *arguments, stdin="\n".join(lines))

    def test_turns_reuse_the_past(self):
        talk = self.talk("What is the capital of Norway?", "What is 5 + 90?")
        self.assertEqual(talk.status, 0)
        self.assertIn("Oslo", talk.out)
        self.assertIn("95", talk.out)
        self.assertRegex(talk.err, r"\d+ reused")

    def test_commands(self):
        file = self.folder / "talk.json"
        talk = self.talk("/help", "What is 5 + 90?", f"/save {file}", "/bogus",
                         "/save", "/thinking deep", "/thinking", "/system Be.",
                         "/system", "/reset", "/load /nowhere", "/quit", "no")
        self.assertEqual(talk.status, 0)
        self.assertEqual(talk.out, "5 + 90 = 95.\n")
        for part in ("/save FILE", "no command /bogus", "needs the name",
                     "found \"deep\"", "\nnone\n", "\nBe.\n", "/nowhere"):
            self.assertIn(part, talk.err)
        saved = json.loads(file.read_text())
        self.assertEqual([m["role"] for m in saved["messages"]],
                         ["user", "assistant"])
        again = self.talk(f"/save {file}2", arguments=["--load", file])
        self.assertEqual(again.status, 0)
        self.assertEqual(pathlib.Path(f"{file}2").read_text(), file.read_text())

    def test_an_error_does_not_end_it(self):
        talk = self.talk("word " * 400, "What is 5 + 90?",
                         arguments=["--context", "100"])
        self.assertEqual(talk.status, 0)
        self.assertIn("context", talk.err)
        self.assertEqual(talk.out, "5 + 90 = 95.\n")


class Tokenize(ProgramTest):
    def test_there_and_back(self):
        text = "Grüße, 世界! 12345 🦊\n"
        ids = hadal("tokenize", text).out
        self.assertEqual(hadal("tokenize", "--ids", ids).out, text + "\n")
        self.assertEqual(hadal("tokenize", "--decode", stdin=ids).out,
                         text + "\n")
        listed = hadal("tokenize", "--json", text).json()
        self.assertEqual(listed["ids"], [int(i) for i in ids.split()])
        self.assertEqual(len(listed["pieces"]), len(listed["ids"]))

    def test_render(self):
        requests = [
            {"messages": [{"role": "user", "content": "Hi"}],
             "thinking": {"type": "disabled"}},
            {"messages": []}]
        lines = "\n".join(json.dumps(r) for r in requests) + "\n\nno JSON\n"
        out = [json.loads(line) for line in
               hadal("tokenize", "--render", stdin=lines).out.splitlines()]
        self.assertEqual(len(out), 3)
        self.assertEqual(
            out[0]["prompt"],
            "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜></think>")
        self.assertEqual(hadal("tokenize", out[0]["prompt"]).out.split(),
                         [str(i) for i in out[0]["ids"]])
        self.assertEqual([list(o) for o in out[1:]], [["error"], ["error"]])

    def test_render_needs_no_weights(self):
        alone = self.folder / "tokenizer.json"
        alone.write_bytes((NANO / "tokenizer.json").read_bytes())
        request = json.dumps({"messages": [{"role": "user", "content": "Hi"}]})
        for model in (alone, self.folder):
            for revision in ("v4", "v4-0731"):
                out = hadal("tokenize", "--render", "--model", model,
                            "--revision", revision, stdin=request)
                self.assertEqual(out.status, 0, out.err)
                self.assertIn("prompt", out.json())


class Doctor(ProgramTest):
    def test_every_kernel_agrees_with_the_reference(self):
        report = hadal("doctor", "--json").json()
        self.assertTrue(report["pass"])
        kernels = {k["kernel"] for k in report["kernels"]}
        for kernel in ("linear", "experts", "router", "rms_norm", "rotary",
                       "compressor_pool", "indexer", "sparse_attention"):
            self.assertIn(kernel, kernels)
        for key in ("version", "processor", "cores", "memory",
                    "instruction_sets", "devices", "libraries", "nano_model"):
            self.assertIn(key, report)


class Bench(ProgramTest):
    QUICK = ("bench", "--synthetic", "tiny:layers=4", "--threads", "1",
             "--seconds", "0.01", "--prompt", "16")

    def test_json_and_plot(self):
        plot = self.folder / "plot.svg"
        out = hadal(*self.QUICK, "--context", "100,1K", "--batch", "1,2",
                    "--json", "--svg", plot)
        self.assertEqual(out.status, 0, out.err)
        report = out.json()
        for key in ("machine", "ceilings", "rows", "model", "warnings"):
            self.assertIn(key, report)
        for entry in report["ceilings"]:
            for key in ("name", "value", "unit"):
                self.assertIn(key, entry)
        names = [row["name"] for row in report["rows"]]
        self.assertEqual(names, ["decode, context 100, 1 thread",
                                 "decode, context 1K, 1 thread",
                                 "decode of 2, context 100, 1 thread",
                                 "prefill 16, 1 thread"])
        for row in report["rows"]:
            self.assertGreater(row["value"], 0)
            self.assertAlmostEqual(row["value"] / row["ceiling"], row["share"])
        self.assertTrue(plot.read_text().startswith("<svg"))

    def test_table_and_profile(self):
        out = hadal(*self.QUICK, "--context", "100", "--profile")
        self.assertEqual(out.status, 0, out.err)
        self.assertIn("decode, context 100, 1 thread", out.out)
        self.assertIn("hyper-connection pre", out.out)

    def test_bad_input(self):
        for flags, words in (
                (("--synthetic", "flash:layers=99"), "expected 1 to 43"),
                (("--synthetic", "flash:format=q4"), "expected one of release"),
                (("--synthetic", "pro:format=bf16"), "ask for fewer layers"),
                (("--synthetic", "tiny", "--context", "4x"), "4K or 1M"),
                (("--synthetic", "tiny", "--context", "2M"), "at most 1,048,576"),
                (("--synthetic", "tiny", "--threads", "1,1"), "twice"),
                (("--synthetic", "tiny", "--model", NANO), "give one")):
            out = hadal("bench", *flags)
            self.assertNotEqual(out.status, 0, flags)
            self.assertIn(words, out.err)


class Completion(ProgramTest):
    def complete(self, line):
        """What bash offers for the last word of a line."""
        words = line.split(" ")
        script = (
            "set -u; source /dev/stdin\n"
            f"COMP_WORDS=({' '.join(repr(w) for w in words)})\n"
            f"COMP_CWORD={len(words) - 1}\nCOMPREPLY=()\n_hadal\n"
            "printf '%s\\n' \"${COMPREPLY[@]-}\"\n")
        source = hadal("completion", "bash").out
        process = subprocess.run(
            ["bash", "--norc", "-c", script.replace("/dev/stdin", "<(cat)")],
            input=source.encode(), capture_output=True, timeout=60,
            cwd=self.folder)
        self.assertEqual(process.stderr.decode(), "")
        return process.stdout.decode().split()

    def test_bash(self):
        self.assertIn("generate", self.complete("hadal "))
        self.assertEqual(self.complete("hadal ver"), ["verify"])
        self.assertEqual(self.complete("hadal generate --temp"),
                         ["--temperature"])
        self.assertEqual(self.complete("hadal generate --precision "),
                         ["default", "exact"])
        self.assertEqual(self.complete("hadal completion f"), ["fish"])
        (self.folder / "golden.safetensors").touch()
        (self.folder / "models").mkdir()
        self.assertEqual(self.complete("hadal verify g"),
                         ["golden.safetensors"])
        self.assertEqual(self.complete("hadal inspect --model m"), ["models"])

    def test_other_shells_parse_theirs(self):
        for shell in ("zsh", "fish"):
            script = hadal("completion", shell).out
            for verb in VERBS:
                self.assertIn(verb, script)
            if any(os.access(os.path.join(p, shell), os.X_OK)
                   for p in os.environ["PATH"].split(":")):
                check = subprocess.run([shell, "-n"], input=script.encode(),
                                       capture_output=True, timeout=60)
                self.assertEqual(check.stderr, b"")


class Lookup(ProgramTest):
    def test_a_hugging_face_cache(self):
        repository = self.folder / "hub" / "models--org--nano"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("abc")
        (repository / "snapshots").mkdir()
        (repository / "snapshots" / "abc").symlink_to(NANO)
        environment = {"HF_HOME": str(self.folder)}
        found = hadal("inspect", "--model", "org/nano", "--json",
                      environment=environment)
        self.assertEqual(found.json()["tensors"], 1057)
        self.expect_error(
            hadal("inspect", "--model", "org/other", environment=environment),
            1, "hf download org/other")

    def test_variable(self):
        self.expect_error(
            hadal("inspect", environment={"HADAL_MODEL": "/nowhere"}), 1,
            "/nowhere")


if __name__ == "__main__":
    main()
