"""A server that plays back answers to the web page, for what the nano model
would not say on demand: slow answers, hostile text, errors, a wanted API key.
It serves the page's files from the source tree with their real policy."""

import http.server
import json
import re
import threading
import time

from harness import SOURCE

WEB = SOURCE / "src" / "server" / "web"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

HOSTILE = ('<img src=x onerror="window.hurt=1"><script>window.hurt=1</script> '
           '[link](javascript:window.hurt=1) **<b>bold</b>** `<i>code</i>`\n\n'
           '```html\n<svg onload="window.hurt=1">\n```\n'
           '![picture](http://elsewhere.invalid/p.png)')
MARKDOWN = ('# Title\n\nSome *soft* and **strong** words, `code`, '
            '[a link](https://example.org/x).\n\n- one\n- two\n  1. inner\n\n'
            '| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n'
            '```python\nprint("hi")\n```\n\nEnd.')


def policy():
    """The Content-Security-Policy of web_files.h."""
    header = (WEB / "web_files.h").read_text()
    value = header[header.index("kWebSecurityPolicy"):]
    return "".join(re.findall(r'"([^"]*)"', value[:value.index(";\n\n")]))


def chunk(delta, finish=None):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "played-back",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def answer(request):
    """(pause between pieces, deltas, finish reason) for a chat request."""
    last = request["messages"][-1]
    text = last["content"]
    if last["role"] == "tool":
        return 0, [{"content": f"The tool said: {text}"}], "stop"
    if "weather" in text and request.get("tools"):
        call = {"index": 0, "id": f"call_{len(request['messages'])}", "type": "function",
                "function": {"name": "get_weather", "arguments": ""}}
        return 0, [{"tool_calls": [call]},
                   {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
                   {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}], "tool_calls"
    if "slowly" in text:
        return 0.03, [{"content": f"word{i} "} for i in range(400)], "stop"
    if "think" in text:
        return 0, [{"reasoning_content": "First I "}, {"reasoning_content": "think."},
                   {"content": "Then I answer."}], "stop"
    if "hostile" in text:
        return 0, [{"content": HOSTILE[i:i + 7]} for i in range(0, len(HOSTILE), 7)], "stop"
    if "markdown" in text:
        return 0, [{"content": MARKDOWN[i:i + 5]} for i in range(0, len(MARKDOWN), 5)], "stop"
    users = sum(message["role"] == "user" for message in request["messages"])
    return 0, [{"content": f"turn {users}"}, {"content": f": {text}"}], "stop"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy())
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, status, value, **headers):
        self.reply(status, "application/json", json.dumps(value).encode(), **headers)

    def allowed(self):
        key = self.server.api_key
        if not key or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self.reply_json(401, {"error": {"message": "this needs an API key"}})
        return False

    def do_GET(self):
        name = {"/": "index.html"}.get(self.path, self.path.removeprefix("/web/"))
        file = WEB / "page" / name
        if "/" not in name and file.is_file():
            self.reply(200, TYPES[file.suffix], file.read_bytes())
        elif self.allowed():
            self.get_api()

    def get_api(self):
        if self.path == "/v1/models":
            self.reply_json(200, {"object": "list", "data": [{"id": "played-back"}]})
        elif self.path == "/props":
            self.reply_json(200, {"default_sampling": {"temperature": 1.0, "top_p": 1.0}})
        elif self.path == "/metrics":
            self.server.reads += 1
            self.reply(200, "text/plain; version=0.0.4", self.server.metrics())
        elif self.path == "/slots":
            self.reply_json(200, self.server.slots)
        else:
            self.reply_json(404, {"error": {"message": "no such route"}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.allowed():
            return
        self.server.requests.append(body)
        if "busy" in str(body["messages"][-1]["content"]):
            self.reply_json(503, {"error": {"message": "the queue is full"}}, Retry_After="3")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.stream(body)
        except OSError:
            self.server.gone.set()

    def event(self, text):
        self.wfile.write(text.encode())
        self.wfile.flush()

    def stream(self, body):
        pause, deltas, finish = answer(body)
        self.event(f"data: {json.dumps(chunk({'role': 'assistant', 'content': ''}))}\n\n")
        self.event(": keep-alive\n\n")
        progress = {"total": 40, "cache": 0, "processed": 10}
        self.event(f"data: {json.dumps(chunk({}) | {'choices': [], 'prompt_progress': progress})}\n\n")
        time.sleep(1 if "long prompt" in str(body["messages"][-1]["content"]) else 0)
        for delta in deltas:
            self.event(f"data: {json.dumps(chunk(delta))}\n\n")
            time.sleep(pause)
        if "break" in str(body["messages"][-1]["content"]):
            self.close_connection = True
            return
        self.event(f"data: {json.dumps(chunk({}, finish))}\n\n")
        usage = {"prompt_tokens": 40, "completion_tokens": len(deltas) + 1,
                 "prompt_tokens_details": {"cached_tokens": 32},
                 "completion_tokens_details": {"reasoning_tokens": 2}}
        self.event(f"data: {json.dumps(chunk({}) | {'choices': [], 'usage': usage})}\n\n")
        self.event("data: [DONE]\n\n")
        self.close_connection = True


class PageServer(http.server.ThreadingHTTPServer):
    """Listens while used in `with`; `page_url` is the page's address."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.api_key = ""
        self.requests = []
        self.reads = 0
        self.gone = threading.Event()  # a client went away during an answer
        self.slots = [{"id": 7, "phase": "generating", "prompt_tokens": 40, "prompt_done": 40,
                       "cached_tokens": 32, "generated_tokens": 5, "seconds": 1.5}]
        self.page_url = f"http://127.0.0.1:{self.server_port}/"

    def metrics(self):
        return "\n".join([
            "# TYPE hadal_requests_running gauge", "hadal_requests_running 1", "hadal_requests_queued 2",
            f"hadal_generated_tokens_total {50 * self.reads}",
            f"hadal_prompt_tokens_total {100 * self.reads}", "hadal_cache_bytes_used 5000000",
            "hadal_cache_bytes_budget 10000000", ""]).encode()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
