#!/usr/bin/env python3
"""Many clients at once on `hadal serve`: some stay, some leave in the middle. At
the end: were there only documented errors, did memory stay flat, was nobody
starved, how does the rate compare with one client's?

  HADAL=build/hadal HADAL_SOURCE=. tools/server/load_test.py --clients 64 --seconds 600
  ... --kill     afterwards kill -9 in the middle of further load, and go on with
                 the same disk cache

Prints one JSON object; the exit status is 1 when a check failed."""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))

from load_client import Client  # noqa: E402
from serve_tools import Server, long_text  # noqa: E402

KILL_SECONDS = 20


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
        self.client_share = 0  # of a core, that this program took

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

    def run(self, clients, seconds, kill=False, first_number=0):
        """Tokens a second, all clients together. Clients of other numbers ask
        other things."""
        before = self.generated()
        clients = self.ask(range(first_number, first_number + clients))
        thread = threading.Thread(target=asyncio.run, args=(clients,), daemon=True)
        started, spent = time.monotonic(), time.process_time()
        thread.start()
        while (passed := time.monotonic() - started) < seconds:
            if kill and passed > seconds / 2:
                kill = False
                before -= self.generated()
                self.restart()
            self.memory.append(self.server.resident_bytes())
            time.sleep(min(1, seconds / 40))
        rate = (self.generated() - before) / (time.monotonic() - started)
        self.client_share = (time.process_time() - spent) / (time.monotonic() - started)
        self.over.set()
        thread.join(150)
        if thread.is_alive():
            self.note("a client hangs")
        return rate

    async def ask(self, numbers):
        await asyncio.gather(*(Client(self, number).run() for number in numbers))

    def restart(self):
        self.down.set()
        self.server.kill()
        self.server.start()
        self.down.clear()


def quarters(values):
    """Means of the second and of the last quarter."""
    size = max(1, len(values) // 4)
    return statistics.mean(values[size:2 * size]), statistics.mean(values[-size:])


def undocumented(load):
    """Errors that docs/server.md does not tell of."""
    return [f"{count} times: {what}" for what, count in load.notes.items() if what not in ("left", "503")]


def check(load, rate, one_rate, memory_share):
    """What went wrong, as sentences."""
    problems = undocumented(load)
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
        "memory_mb": [round(bytes / 1e6) for bytes in load.memory[::max(1, len(load.memory) // 20)]],
        "clients_share_of_a_core": round(load.client_share, 3),
        "metrics": load.server.metrics()}, indent=1))
    return problems


def kill_under_load(server, folder, clients):
    """What a kill -9 spoilt. A conversation goes on from the disk with the bits
    that it would have had."""
    first = {"role": "user", "content": long_text(900)}
    answer = ask(server, [first])["choices"][0]["message"]["content"]
    second = [first, {"role": "assistant", "content": answer}, {"role": "user", "content": "What is 5 times 6?"}]
    expected = ask(server, second, cache_prompt=False)
    log = server.log()
    load = Load(server)
    load.run(clients, KILL_SECONDS, kill=True)
    problems = undocumented(load)
    found = ask(server, second)
    if found["choices"] != expected["choices"]:
        problems.append("an answer from the disk cache differs")
    cached = found["usage"]["prompt_cache_hit_tokens"]
    if cached < 512:
        problems.append(f"only {cached} tokens came from the disk after the restart")
    print(json.dumps({"after_kill": {
        "answers": load.answers, "notes": load.notes, "prefixes_on_disk": indexed_prefixes(folder),
        "second_turn_cached_tokens": cached,
        "disk_cached_tokens": server.metrics()["hadal_disk_cached_tokens_total"]}}, indent=1))
    log += server.log()
    return problems + [line for line in log.splitlines() if re.search("damaged|dropped|error", line)]


def ask(server, messages, **fields):
    body = {"messages": messages, "max_tokens": 20, "logprobs": True, "temperature": 0, "reasoning_effort": "none"}
    return server.post("/v1/chat/completions", body | fields).json()


def indexed_prefixes(folder):
    """How many the index has; sqlite's own check of the file passes."""
    index = pathlib.Path(folder) / "index.sqlite"
    with contextlib.closing(sqlite3.connect(index)) as database:
        [[verdict]] = database.execute("PRAGMA integrity_check")
        if verdict != "ok":
            raise AssertionError(f"{index}: {verdict}")
        return database.execute("SELECT count(*) FROM prefixes").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--cache-memory", default="64M", help="small: memory is flat when the pool is full")
    parser.add_argument("--kill", action="store_true", help="kill -9 in the middle of further load")
    parser.add_argument("--memory-share", type=float, default=0.03, help="growth that is allowed")
    parser.add_argument("--flag", action="append", default=[], help="a further flag of hadal serve")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--cache-dir", folder, "--cache-disk", "300M", "--cache-memory", arguments.cache_memory,
                 *arguments.flag]
        with Server(*flags) as server:
            load = Load(server)
            rate = load.run(arguments.clients, arguments.seconds)
            # Afterwards: what is common to all prompts is remembered in both.
            one_rate = Load(server).run(1, min(20, arguments.seconds / 4), first_number=1000)
            problems = check(load, rate, one_rate, arguments.memory_share)
            if arguments.kill:
                problems += kill_under_load(server, folder, arguments.clients)
            if server.stop() != 0:
                problems.append("it did not stop with status 0: " + server.log())
    print("\n".join(problems) or "no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
