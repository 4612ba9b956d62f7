"""The second turn of a long conversation reads only what is new, also from the
disk after a restart. Tokens are asserted; times are printed, as medians of one
run: they belong to the machine."""

import statistics
import time

from harness import ProgramTest, main
from serve_tools import Server, long_text

ROUNDS = 5


def first_token_seconds(server, messages, **fields):
    """(seconds to the first text, the answer, usage)."""
    body = {"messages": messages, "temperature": 0, "reasoning_effort": "none",
            "stream_options": {"include_usage": True}} | fields
    started = time.perf_counter()
    seconds, text, usage = None, "", None
    with server.stream("/v1/chat/completions", body) as stream:
        for chunk in stream.chunks():
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                text += choice["delta"].get("content") or ""
                if text and seconds is None:
                    seconds = time.perf_counter() - started
    return seconds, text, usage


def cached(usage):
    return usage["prompt_tokens_details"]["cached_tokens"]


class Turns(ProgramTest):
    def test_second_turn(self):
        flags = ("--cache-dir", self.folder / "cache")
        cold, warm, disk = [], [], []
        conversations = []
        with Server(*flags) as server:
            for number in range(ROUNDS):
                # The number in front keeps conversations from sharing a prefix.
                messages = [{"role": "user", "content":
                             f"Story {number}. {long_text(4000)}\n\nWho has a pet?"}]
                seconds, text, first = first_token_seconds(server, messages)
                self.assertGreater(first["prompt_tokens"], 3500)
                self.assertLess(cached(first), 10)
                cold.append(seconds)
                messages += [{"role": "assistant", "content": text},
                             {"role": "user", "content": "What is the capital of Norway?"}]
                seconds, text, second = first_token_seconds(server, messages)
                warm.append(seconds)
                self.assertGreaterEqual(cached(second), first["prompt_tokens"])
                self.assertLess(second["prompt_tokens"] - cached(second), 40)
                conversations.append((messages, text))
            self.assertEqual(server.stop(), 0)
        with Server(*flags) as server:
            for messages, text in conversations:
                seconds, again, usage = first_token_seconds(server, messages)
                disk.append(seconds)
                self.assertEqual(again, text)
                self.assertLess(usage["prompt_tokens"] - cached(usage), 300)
        cold, warm, disk = map(statistics.median, (cold, warm, disk))
        print(f"time to the first token of 4,000: cold {cold * 1e3:.1f} ms, second turn {warm * 1e3:.1f} ms "
              f"({warm / cold:.1%}), after a restart {disk * 1e3:.1f} ms ({disk / cold:.1%})")


if __name__ == "__main__":
    main()
