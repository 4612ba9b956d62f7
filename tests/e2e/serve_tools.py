"""`hadal serve` as a child of the tests: start it on a free port, ask it, stop or
kill it, look at its memory."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import threading
import time

from harness import ENVIRONMENT, NANO, PROGRAM

START_SECONDS = 60
ADDRESS = re.compile(r"(https?)://(127\.0\.0\.1|localhost|\[::1\]):(\d+)")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The error object of OpenAI's or Anthropic's form."""
        return self.json()["error"]


class Server:
    """Used in `with`, or by start() and stop(). `flags` go to `hadal serve`."""

    def __init__(self, *flags, model=NANO, port=0, key=None, environment=None, tls_context=None):
        self.flags = [str(flag) for flag in flags]
        self.model = model
        self.port = port
        self.key = key
        self.environment = environment or {}
        self.tls_context = tls_context
        self.process = None
        self.lines = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        command = [PROGRAM, "serve", "--model", str(self.model), "--port",
                   str(self.port), *self.flags]
        self.lines = []
        self.scheme = ""  # until it says where it listens
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=ENVIRONMENT | self.environment)
        found = threading.Event()
        self.reader = threading.Thread(target=self.read_log, args=(found,), daemon=True)
        self.reader.start()
        if not found.wait(START_SECONDS) or not self.scheme:
            self.kill()
            raise AssertionError(f"the server did not start: {self.log()}")
        self.wait_until_ready()

    def read_log(self, found):
        for raw in self.process.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            self.lines.append(line)
            match = ADDRESS.search(line)
            if match and not found.is_set():
                self.scheme, self.host, port = match[1], match[2], match[3]
                self.bound_port = int(port)
                found.set()
        found.set()  # it ended

    def log(self):
        return "\n".join(self.lines)

    def wait_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.get("/health").status == 200:
                    return
            time.sleep(0.01)
        raise AssertionError(f"/health did not become 200: {self.log()}")

    @property
    def url(self):
        return f"{self.scheme}://{self.host}:{self.bound_port}"

    def stop(self, timeout=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish(timeout)

    def finish(self, timeout=30):
        status = self.process.wait(timeout)
        self.reader.join(5)
        self.process.stderr.close()
        return status

    def kill(self):
        """SIGKILL, if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.finish()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024

    # Requests

    def headers(self, more=None):
        headers = dict(more or {})
        if self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        return headers

    def connect(self, timeout=120):
        if self.scheme == "https":
            return http.client.HTTPSConnection(
                "127.0.0.1", self.bound_port, timeout=timeout, context=self.tls_context)
        return http.client.HTTPConnection("127.0.0.1", self.bound_port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=120):
        connection = self.connect(timeout)
        with contextlib.closing(connection):
            headers = self.headers(headers)
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return Answer(reply.status, reply.getheaders(), reply.read())

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body, **more):
        return self.ask("POST", path, body, **more)

    @contextlib.contextmanager
    def stream(self, path, body, timeout=120):
        """A POST whose answer comes as events; leaving the block hangs up."""
        connection = self.connect(timeout)
        try:
            connection.request("POST", path, json.dumps(body | {"stream": True}),
                               self.headers({"Content-Type": "application/json"}))
            yield EventStream(connection.getresponse())
        finally:
            connection.close()

    def chat(self, text, **fields):
        """One question without thinking, greedy unless `fields` say otherwise."""
        body = {"model": "nano", "messages": [{"role": "user", "content": text}],
                "temperature": 0, "reasoning_effort": "none"} | fields
        return self.post("/v1/chat/completions", body)

    def metrics(self):
        """The sum of each metric over its labels, without buckets."""
        values = {}
        for line in self.get("/metrics").body.decode().splitlines():
            match = re.match(r"([a-zA-Z_:]\w*)(?:\{[^}]*\})? (\S+)$", line)
            if match and not match[1].endswith("_bucket"):
                values[match[1]] = values.get(match[1], 0) + float(match[2])
        return values

    def slots(self):
        slots = self.get("/slots").json()
        return slots if isinstance(slots, list) else slots["sequences"]

    def wait_for(self, condition, seconds=10):
        """Whether condition() became true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.02)
        return False

    def wait_until_idle(self, seconds=10):
        return self.wait_for(lambda: not self.slots(), seconds)


class EventStream:
    """(event, data) pairs of a response; comment lines are kept apart."""

    def __init__(self, reply):
        self.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        self.reply = reply
        self.comments = []

    def __iter__(self):
        event, data = "", []
        for raw in self.reply:
            line = raw.decode().rstrip("\r\n")
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                yield event, "\n".join(data)
                event, data = "", []

    def chunks(self):
        """The chunks of a chat stream, up to [DONE]."""
        for _, data in self:
            if data == "[DONE]":
                return
            yield json.loads(data)


# Fields of an answer that ends only when it is told to.
ENDLESS = {"max_tokens": 100000, "min_tokens": 100000, "temperature": 1}
# Prompts that the nano model knows how to answer.
STORY = "Tell me a story about a fox named Nina."
COUNTRIES = {"Norway": "Oslo", "Ireland": "Dublin", "France": "Paris", "Italy": "Rome"}
WEATHER_TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Get the current weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                   "required": ["city"]}}}
ADD_TOOL = {"type": "function", "function": {
    "name": "add", "description": "Add two numbers",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                   "required": ["a", "b"]}}}


def long_text(tokens):
    """About that many tokens of the bundled model's own long prompts."""
    with open(NANO / "skills.jsonl") as file:
        prompts = [json.loads(line)["prompt"] for line in file]
    text = max(prompts, key=len)
    text = re.sub(r"<｜[^｜]*｜>|</?think>", "", text)
    sentences = text.split("\n\n")[0]
    return sentences[:tokens * 22 // 5].rsplit(".", 1)[0] + "."
