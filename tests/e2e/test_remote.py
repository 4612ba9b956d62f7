"""The program as a client of a server: `hadal chat --server`, `hadal bench serve`;
and what `hadal serve` says on its own account."""

import json
import signal
import threading
import time

from client_test import ClientTest
from harness import ProgramTest, hadal, main
from serve_tools import ENDLESS, STORY, Server


class Remote(ClientTest):
    KEY = "key-of-the-tests"

    def run_client(self, *command, text=None, status=0, key=KEY):
        outcome = hadal(*command, stdin=text or "", environment={"HADAL_API_KEY": key})
        self.assertEqual(outcome.status, status, outcome.err)
        return outcome

    def test_chat_has_several_turns(self):
        outcome = self.run_client(
            "chat", "--server", self.server.url, "-t", "0", text="What is 2 + 3?\nWhat is 4 + 4?\n")
        self.assertEqual(outcome.out, "2 + 3 = 5.\n4 + 4 = 8.\n")
        self.assertEqual(outcome.err.count("answer 9 tokens"), 2, outcome.err)

    def test_chat_shows_reasoning_apart(self):
        outcome = self.run_client(
            "chat", "--server", self.server.url + "/v1", "-t", "0", "--thinking", "high",
            text="What is 257 + 468?\n")
        self.assertIn("725", outcome.out)
        self.assertGreater(len(outcome.err.splitlines()), 1)

    def test_chat_goes_on_after_an_error(self):
        outcome = self.run_client(
            "chat", "--server", self.server.url, "-t", "3", text="Hello\nHello\n")
        self.assertEqual(outcome.err.count("hadal: error: the server answers 400"), 2, outcome.err)

    def test_wrong_keys_and_absent_servers(self):
        for command in (("chat", "--server"), ("bench", "serve", "--url")):
            outcome = self.run_client(*command, self.server.url, text="Hi\n", status=1, key="wrong")
            self.assertIn("401", outcome.err)
            self.assertNotIn("wrong", outcome.err.replace("went wrong", ""))
            outcome = self.run_client(*command, "http://127.0.0.1:1", text="Hi\n", status=1)
            self.assertIn("127.0.0.1:1: cannot connect", outcome.err)
            self.run_client(*command, "ftp://x", text="Hi\n", status=2)

    def test_bench(self):
        outcome = self.run_client(
            "bench", "serve", "--url", self.server.url, "--clients", "4", "--requests", "12",
            "--prompt-tokens", "100", "--max-tokens", "8", "--json")
        report = json.loads(outcome.out)
        self.assertEqual(report["succeeded"], 12)
        self.assertEqual(report["errors"], [])
        self.assertEqual(report["model"], "nano")
        # A word is not exactly a token.
        self.assertAlmostEqual(report["prompt_tokens"] / 12, 100, delta=30)
        self.assertEqual(report["completion_tokens"], 12 * 8)
        first = report["first_token_seconds"]
        self.assertLess(0, first["p50"])
        self.assertLessEqual(first["p50"], first["p90"])
        self.assertLessEqual(first["p90"], first["p99"])
        self.assertLessEqual(first["p99"], report["seconds"])
        text = self.run_client("bench", "serve", "--url", self.server.url, "--requests", "2", "--max-tokens", "4").out
        self.assertIn("first token", text)
        self.assertIn("tokens/s", text)


class Serving(ProgramTest):
    def test_a_second_signal_ends_at_once(self):
        with Server("--shutdown-seconds", "60") as server:
            body = {"messages": [{"role": "user", "content": STORY}]} | ENDLESS
            with server.stream("/v1/completions", body | {"prompt": STORY}) as stream:
                next(iter(stream))
                server.process.send_signal(signal.SIGINT)
                time.sleep(0.3)
                if server.process.poll() is None:
                    server.process.send_signal(signal.SIGINT)
                    self.assertIn(server.finish(5), (130, 0))

    def test_answers_end_before_the_server_does(self):
        with Server("--shutdown-seconds", "30") as server:
            answers = []
            asking = threading.Thread(target=lambda: answers.append(server.chat(STORY)))
            asking.start()
            self.assertTrue(server.wait_for(server.slots))
            self.assertEqual(server.stop(), 0)
            asking.join()
            self.assertEqual(answers[0].status, 200)
            self.assertEqual(answers[0].json()["choices"][0]["finish_reason"], "stop")

    def test_the_log(self):
        with Server("--api-key", "tester=a-key", "--cors", "https://chat.example", key="a-key") as server:
            server.get("/v1/models?secret=1")
            server.stop()
            log = server.log()
        self.assertIn("for this machine only, 1 API key", log)
        self.assertRegex(log, r"GET /v1/models 200 \d+ bytes \d+ ms tester")
        self.assertNotIn("a-key", log)
        self.assertNotIn("secret", log)

    def test_wrong_usage(self):
        empty = self.folder / "keys"
        empty.write_text("# none\n")
        empty.chmod(0o600)
        for flags, part in ((["--api-key-file", empty], "no key"),
                            (["--api-key-file", self.folder / "absent"], "absent"),
                            (["--tls-cert", empty], "--tls-key"),
                            (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
                            (["--api-key", "two words"], "API key 1"),
                            (["--log-level", "loud"], "loud")):
            outcome = hadal("serve", "--port", 0, *flags)
            self.assertNotEqual(outcome.status, 0)
            self.assertIn(part, outcome.err)
            self.assertEqual(len(outcome.err.splitlines()), 1, outcome.err)

    def test_completion_knows_the_verbs(self):
        script = hadal("completion", "bash").out
        for word in ("--cache-dir", "--shared-prompt", "--server"):
            self.assertIn(word, script)


if __name__ == "__main__":
    main()
