#!/usr/bin/env python3
"""Many clients at once on `hadal serve`: some stay, some leave in the middle. At
the end: were there only documented errors, did memory stay flat, was nobody
starved, how does the rate compare with one client's?

  HADAL=build/hadal HADAL_SOURCE=. tools/server/load_test.py --clients 64 --seconds 600
  ... --kill     kill -9 in the middle, and go on with the same disk cache

Prints one JSON object; the exit status is 1 when a check failed."""

import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))

import law_requests  # noqa: E402
from serve_tools import Server  # noqa: E402

PATH = "/v1/chat/completions"
LEAVE_SHARE = 0.2


def short_reading(draw):
    return law_requests.reading(draw, (300,))


# Prompts of 15 to 700 tokens. With ones of thousands the first token's times would
# tell their lengths, not who was starved.
KINDS = [law_requests.short, law_requests.story, law_requests.story, law_requests.turns, law_requests.thinking,
         law_requests.tools, law_requests.schema, short_reading]


class Client(threading.Thread):
    """Asks one thing after the other until told to stop."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load = load
        self.draw = random.Random(number)

    def body(self):
        body = {"model": "nano", "reasoning_effort": "none", "temperature": 1,
                "seed": self.draw.randint(1, 10**6), "stream_options": {"include_usage": True}}
        body |= self.draw.choice(KINDS)(self.draw)
        # A number of its own keeps half of the prompts out of each other's way.
        if self.draw.random() < 0.5:
            first = body["messages"][0]
            body["messages"][0] = first | {"content": f"{self.draw.randint(1, 10**6)}. {first['content']}"}
        return body | {"max_tokens": min(body.get("max_tokens", 100), 100)}

    def run(self):
        while not self.load.over.is_set():
            try:
                self.ask()
            except (OSError, http.client.HTTPException, ValueError) as error:
                if not self.load.down.is_set():
                    self.load.note(f"{type(error).__name__}: {error}")
                time.sleep(0.1)

    def ask(self):
        leave_after = self.draw.randint(1, 30) if self.draw.random() < LEAVE_SHARE else None
        started = time.monotonic()
        with self.load.server.stream(PATH, self.body(), timeout=120) as stream:
            if stream.status != 200:
                self.load.note(str(stream.status))
                time.sleep(float(stream.headers.get("retry-after", 1)) * self.draw.random())
                return
            first, usage, events = None, None, 0
            for chunk in stream.chunks():
                if "error" in chunk:
                    self.load.note("error event: " + chunk["error"]["message"])
                    return
                events += 1
                if any(self.brings_text(choice["delta"]) for choice in chunk["choices"]):
                    first = first or time.monotonic() - started
                usage = chunk.get("usage") or usage
                if leave_after and events >= leave_after:
                    self.load.note("left")
                    return
            if not usage:
                raise ValueError("the stream ended without [DONE]")
            self.load.finish(first)

    @staticmethod
    def brings_text(delta):
        return delta.get("content") or delta.get("reasoning_content") or delta.get("tool_calls")


class Load:
    def __init__(self, server):
        self.server = server
        self.over = threading.Event()
        self.down = threading.Event()  # the server was killed on purpose
        self.lock = threading.Lock()
        self.notes = collections.Counter()
        self.first_seconds = []
        self.answers = 0
        self.memory = []

    def note(self, what):
        with self.lock:
            self.notes[what] += 1

    def finish(self, first):
        with self.lock:
            self.answers += 1
            if first is not None:
                self.first_seconds.append(first)

    def generated(self):
        """Tokens since the server's start, also those of clients that left."""
        return self.server.metrics()["hadal_generated_tokens_total"]

    def run(self, clients, seconds, kill=False):
        """Tokens a second, all clients together."""
        before = self.generated()
        threads = [Client(self, number) for number in range(clients)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        while (passed := time.monotonic() - started) < seconds:
            if kill and passed > seconds / 2:
                kill = False
                before -= self.generated()
                self.restart()
            self.memory.append(self.server.resident_bytes())
            time.sleep(min(1, seconds / 40))
        rate = (self.generated() - before) / (time.monotonic() - started)
        self.over.set()
        for thread in threads:
            thread.join(120)
            if thread.is_alive():
                self.note("a client hangs")
        return rate

    def restart(self):
        self.down.set()
        self.server.kill()
        self.server.start()
        self.down.clear()
        self.memory.clear()


def quarters(values):
    """Means of the second and of the last quarter."""
    size = max(1, len(values) // 4)
    return statistics.mean(values[size:2 * size]), statistics.mean(values[-size:])


def check(load, rate, one_rate, memory_share):
    """What went wrong, as sentences."""
    problems = []
    for what in load.notes:
        if what not in ("left", "503"):
            problems.append(f"{load.notes[what]} times: {what}")
    second, last = quarters(load.memory)
    if last > second * (1 + memory_share):
        problems.append(f"memory grew from {second / 1e6:.0f} to {last / 1e6:.0f} MB")
    median = statistics.median(load.first_seconds)
    p99 = statistics.quantiles(load.first_seconds, n=100)[-1]
    if p99 > 5 * median:
        problems.append(f"p99 of the first token {p99:.3f} s is more than 5 x the median {median:.3f} s")
    if not load.server.wait_until_idle(30):
        problems.append(f"sequences of clients that left still run: {load.server.slots()}")
    print(json.dumps({
        "answers": load.answers, "notes": load.notes, "tokens_per_second": round(rate, 1),
        "one_client_tokens_per_second": round(one_rate, 1), "ratio": round(rate / one_rate, 2),
        "first_token_median": round(median, 4), "first_token_p99": round(p99, 4),
        "memory_second_quarter": round(second), "memory_last_quarter": round(last),
        "metrics": load.server.metrics(), "problems": problems}, indent=1))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--kill", action="store_true", help="kill -9 in the middle")
    parser.add_argument("--memory-share", type=float, default=0.03, help="growth that is allowed")
    parser.add_argument("--flag", action="append", default=[], help="a further flag of hadal serve")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--cache-dir", folder, "--cache-memory", "256M", *arguments.flag]
        with Server(*flags) as server:
            one_rate = Load(server).run(1, min(20, arguments.seconds / 4))
            load = Load(server)
            rate = load.run(arguments.clients, arguments.seconds, arguments.kill)
            problems = check(load, rate, one_rate, arguments.memory_share)
            if server.stop() != 0:
                problems.append("it did not stop with status 0: " + server.log())
    return 1 if problems else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
