"""Clients of load_test.py: they ask one thing after the other, and some leave in
the middle of an answer.

All of them share one thread and look at bytes, not at objects: a client of
Python's own libraries takes a tenth of a millisecond of a core for every token,
which is as much as the server of the bundled model has. One answer in
READ_EVERY is read strictly."""

import asyncio
import json
import random
import re
import time

import law_requests

PATH = "/v1/chat/completions"
LEAVE_SHARE = 0.2
READ_EVERY = 16
SECONDS = 120  # of silence, after which an answer counts as failed
FIRST_TEXT = re.compile(rb'"(?:content|reasoning_content)":"[^"]|"tool_calls":\[')
EVENT = b"\ndata: {"
END = b"data: [DONE]"


def short_reading(draw):
    """A quarter of them is long enough for the disk."""
    return law_requests.reading(draw, (300, 300, 300, 600))


# Prompts of 15 to 700 tokens. With ones of thousands the first token's times would
# tell their lengths, not who was starved.
KINDS = [law_requests.short, law_requests.story, law_requests.story, law_requests.turns, law_requests.thinking,
         law_requests.tools, law_requests.schema, short_reading]


def request_body(draw):
    body = {"model": "nano", "reasoning_effort": "none", "temperature": 1, "stream": True,
            "seed": draw.randint(1, 10**6), "stream_options": {"include_usage": True}}
    body |= draw.choice(KINDS)(draw)
    # A number of its own keeps half of the prompts out of each other's way.
    if draw.random() < 0.5:
        first = body["messages"][0]
        body["messages"][0] = first | {"content": f"{draw.randint(1, 10**6)}. {first['content']}"}
    return body | {"max_tokens": min(body.get("max_tokens", 100), 100)}


def events(raw):
    """The events of a chunked answer."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        raise ValueError("the stream is not chunked")
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        if rest[length:length + 2] != b"\r\n":
            raise ValueError("a chunk does not end where it says")
        body += rest[:length]
        rest = rest[length + 2:]
    return [event.removeprefix(b"data: ") for event in body.split(b"\n\n")
            if event.startswith(b"data: ")]


def check_answer(raw):
    """Every event of a whole answer is JSON, and one has the usage."""
    *chunks, last = events(raw)
    if last != b"[DONE]":
        raise ValueError("the stream ended without [DONE]")
    if not any(json.loads(chunk).get("usage") for chunk in chunks):
        raise ValueError("the stream has no usage")


class Client:
    """Asks until told to stop; results go to `load`."""

    def __init__(self, load, number):
        self.load = load
        self.draw = random.Random(number)

    async def run(self):
        while not self.load.over.is_set():
            try:
                await self.ask()
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
                if not self.load.down.is_set():
                    self.load.note(f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.1)

    async def ask(self):
        leave_after = self.draw.randint(1, 30) if self.draw.random() < LEAVE_SHARE else None
        body = json.dumps(request_body(self.draw)).encode()
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.load.server.bound_port, limit=1 << 20)
        try:
            writer.write(f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                         f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await self.read(reader, started, leave_after)
        finally:
            writer.transport.abort()

    async def read(self, reader, started, leave_after):
        raw = bytearray()
        first, seen, counted = None, 0, 0
        while piece := await asyncio.wait_for(reader.read(1 << 16), SECONDS):
            raw += piece
            if first is None and FIRST_TEXT.search(raw):
                first = time.monotonic() - started
            if leave_after:
                counted += raw.count(EVENT, max(seen - len(EVENT) + 1, 0))
                seen = len(raw)
                if counted >= leave_after:
                    self.load.note("left")
                    return
        status = bytes(raw[9:12]).decode()
        if status != "200":
            self.load.note(status or "no answer")
            await asyncio.sleep(self.draw.random())
        elif b'data: {"error"' in raw:
            self.load.note("error event: " + bytes(raw[raw.find(b'data: {"error"'):][:200]).decode())
        elif END not in raw:
            raise ValueError("the stream ended without [DONE]")
        else:
            if self.load.answers % READ_EVERY == 0:
                check_answer(bytes(raw))
            self.load.finish(first)
